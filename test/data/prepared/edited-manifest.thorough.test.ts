/** A prepared folder whose manifest somebody edited, checksums included: what it may make a command do. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seal } from '../../../src/base/seal.ts';
import { predictInto } from '../../../src/data/predict/predict.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { manifestHash } from '../../../src/data/prepared/check-manifest.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { Manifest } from '../../../src/data/prepared/prepared.ts';
import { openRowEncoder } from '../row-encoder.ts';
import { hostileExpressions, LOG_CSV, PLACES } from '../sql/hostile.ts';
import { dataset, failure, temporaryFolder } from '../support.ts';

const shared = mkdtempSync(join(tmpdir(), 'tributary-test-'));
beforeAll(async () => {
  writeFileSync(join(shared, 'log.csv'), LOG_CSV);
  await prepare({ config: dataset(PLACES.derive('user')), sourceFolder: shared, out: join(shared, 'data') });
});
afterAll(() => rmSync(shared, { recursive: true, force: true }));

type Tree = Record<string, unknown>;

/** A copy of the data set with a value changed in its manifest, by its path, and the checksums made to fit. */
function edited(path: string, value: unknown): { folder: string; data: string } {
  const folder = temporaryFolder({ 'log.csv': LOG_CSV, 'secret.csv': 'k,v\n1,hidden\n' });
  const data = join(folder, 'data');
  cpSync(join(shared, 'data'), data, { recursive: true });
  const { checksum: _, ...manifest } = JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8')) as Tree;
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const holder = keys.reduce((tree, key) => tree[key] as Tree, manifest);
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  manifest.hash = manifestHash(manifest as unknown as Manifest);
  writeFileSync(join(data, 'manifest.json'), seal(manifest));
  return { folder, data };
}

/** Everything that a prepared folder is used for. */
async function useAll({ folder, data }: { folder: string; data: string }): Promise<void> {
  const prepared = await openPrepared(data);
  for (const split of ['train', 'validation', 'test'] as const) {
    const reader = await prepared.open(split);
    await reader.close();
  }
  await openRowEncoder(prepared);
  const score = async (batch: { size: number }) => new Float32Array(batch.size);
  await predictInto({ data: prepared, input: join(folder, 'log.csv'), output: join(folder, 'out.parquet'), score });
}

test('the unchanged folder works, and so does one with its checksums made anew', async () => {
  const { manifest } = await openPrepared(join(shared, 'data'));
  await useAll(edited('name', manifest.name));
});

describe('values that become SQL or paths are what prepare writes', () => {
  test.each<[string, unknown]>([
    ['config.fields.0.maxLength', "1]); COPY (SELECT 1) TO '/tmp/evil.csv'; --"],
    ['config.fields.0.hash', '10)::INTEGER, (SELECT 1'],
    ['config.fields.0.name', 'a/../../secret'],
    ['config.sources.log.header', "true, filename = 'x'"],
    ['config.sources.log.encoding', "utf-8', header = true, filename = 'x"],
    ['config.sources.log.nullValues', 'x'],
    ['config.sources.log.path', 3],
    ['config.split', { kind: 'key', column: 'page', seed: "1' || (SELECT 1) || '", ratios: [0.8, 0.1, 0.1] }],
    ['config.split.ratios', ['0.8', 0.1, 0.1]],
    ['config.scenario.values', [{}]],
    ['config.joins', [{ source: 'log', on: { user: 'user' }, kind: 'left JOIN (SELECT 1) ON true LEFT' }]],
    ['config', undefined],
    ['fields.0.offset', '0)::INTEGER, (SELECT 1'],
    ['fields.0.slots', -1],
    ['fields.0.name', '../../secret'],
    ['fields.0.edges', ['1']],
    ['sequences', { itemField: 'user', types: ['a'], length: '1)' }],
    ['splits.train.file', '../../secret.csv'],
    ['splits.train.file', '/etc/passwd'],
    ['splits.train.rows', 1.5],
    ['splits.train.sha256', 'x'],
    ['columns.log.0.type', "VARCHAR) FROM read_csv('/etc/passwd') --"],
    ['columns.log.0.type', 'INTEGER, INTEGER'],
    ['columns.log.0.type', 'INTEGER)::(VARCHAR'],
    ['tasks', ['click" = 1); DROP TABLE x; --']],
    ['files', { 'statistics.json': 5 }],
    ['hasWeight', 'yes'],
  ])('%s: %j', async (path, value) => {
    const at = edited(path, value);
    expect((await failure(useAll(at))).code).toBe('DATA_NOT_PREPARED');
    expect(existsSync('/tmp/evil.csv')).toBe(false);
  });
});

/** The commands that run expressions of a prepared folder. */
async function predictAlone({ folder, data }: { folder: string; data: string }): Promise<void> {
  const score = async (batch: { size: number }) => new Float32Array(batch.size);
  const prepared = await openPrepared(data);
  await predictInto({ data: prepared, input: join(folder, 'log.csv'), output: join(folder, 'out.parquet'), score });
}

describe('expressions of a manifest compute values and do nothing else', () => {
  const places = ['sources.log.derive.extra', 'fields.0.expression', 'scenario.expression'];
  const names = Object.keys(hostileExpressions('')).filter((_, i) => i % 3 === 0);
  test.each(names.map((name, i) => [name, places[i % places.length]]))('%s (in: %s)', async (name, place) => {
    const elsewhere = temporaryFolder({ 'secret.csv': 'k,v\n1,hidden\n' });
    const at = edited(`config.${place}`, hostileExpressions(elsewhere)[name]);
    const refused = await failure(predictAlone(at));
    expect(refused.code).toBe('DATA_EXPRESSION_INVALID');
    expect(refused.message).not.toContain('hidden');
    expect(readdirSync(elsewhere)).toEqual(['secret.csv']);
    expect(readdirSync(at.folder).sort()).toEqual(['data', 'log.csv', 'secret.csv']);
  });
});
