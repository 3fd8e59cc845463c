/** The structure that a verdict gives against keeping everything, on validation rows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { runSchema } from '../../../src/config/run.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { createWorld } from '../../../src/data/synthetic/world.ts';
import type { FlowDocument, StructureChoice } from '../../../src/documents/flows.ts';
import { openRun, readFlows } from '../../../src/store/run/run-folder.ts';
import { newRun } from '../../../src/train/run/new-run.ts';
import { sampleRows } from '../../../src/train/structure/sample.ts';
import { tableOf } from '../../../src/train/structure/table.ts';
import { prepareSmall, temporaryFolder } from '../support.ts';

const folder = temporaryFolder();
afterAll(folder.remove);
let made = 0;

const make = (data: PreparedData, flows = 'test'): Promise<string> => {
  const model = { key: 'streams', embeddingDim: 8, flows };
  const train = { batchSize: 512, learningRate: 2e-3 };
  return newRun(runSchema.parse({ model, train }), data, { folder: join(folder.path, `run${made++}`) });
};
const tableIn = (run: string): unknown => (openRun(run).config.model as Record<string, unknown>).flows;
const choiceIn = (run: string): StructureChoice => readFlows(run)?.structure as StructureChoice;

/** A world with the four flows. */
async function planted(rows: number, options: Parameters<typeof createWorld>[0] = {}): Promise<PreparedData> {
  const world = createWorld({ seed: 7, ...options });
  const name = `world${made++}`;
  await world.writeParquet(join(folder.path, `${name}.parquet`), { rows });
  const config = datasetSchema.parse(world.datasetConfig(`${name}.parquet`));
  return openPrepared((await prepare({ config, sourceFolder: folder.path, out: join(folder.path, name) })).folder);
}

/** Labels depend on `plain`, and on whether `left` and `right` are on the same side: neither says anything alone. */
async function crossed(rows: number): Promise<PreparedData> {
  const generator = random('crossed');
  const lines = ['plain,left,right,place,click,buy'];
  for (let row = 0; row < rows; row++) {
    const [plain, left, right, place] = [8, 6, 6, 2].map((n) => generator.below(n));
    const logit = 0.4 * (plain - 3.5) + (left < 3 === right < 3 ? 1.2 : -1.2);
    const label = (shift: number) => Number(generator.uniform() < 1 / (1 + Math.exp(shift - logit)));
    lines.push(`p${plain},l${left},r${right},${place},${label(0)},${label(1)}`);
  }
  writeFileSync(join(folder.path, 'crossed.csv'), lines.join('\n'));
  const config = datasetSchema.parse({
    name: 'crossed',
    sources: { log: { path: 'crossed.csv' } },
    fields: ['plain', 'left', 'right'].map((name) => ({ name, kind: 'categorical' })),
    scenario: { expression: 'place', values: [0, 1] },
    tasks: ['click', 'buy'].map((name) => ({ name, label: name })),
    split: { kind: 'random' },
  });
  return openPrepared((await prepare({ config, sourceFolder: folder.path, out: join(folder.path, 'crossed') })).folder);
}

const world = once(async () => {
  const data = await planted(20_000);
  return { data, names: data.manifest.fields.map(({ name }) => name), right: await make(data) };
});

function once<A>(work: () => Promise<A>): () => Promise<A> {
  let done: Promise<A> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

test('the verdict is taken on a planted world', async () => {
  const { names, right } = await world();
  const verdict = readFlows(right) as FlowDocument;
  expect(choiceIn(right)).toMatchObject({ chosen: 'verdict', rows: 16_000, validationRows: 2000 });
  expect(tableIn(right)).toEqual(tableOf(verdict, names));
  const [all, found, ...more] = choiceIn(right).structures;
  expect([all.structure, found.structure, more]).toEqual(['keep all', 'verdict', []]); // no more is tried
  expect(found.difference?.high).toBeLessThan(0);
  expect(found.logloss).toBeLessThan(0.99 * all.logloss);
  expect(found.parameters).toBeLessThan(all.parameters);
  expect(found.steps).toBe(all.steps);
});

test('a gain is measured by what fields explain: it is small where labels are mostly chance', async () => {
  const run = await make(await planted(40_000, { strengths: [0.35, 0.3, 0.25, 0.25] }));
  const { chosen, structures, rates } = choiceIn(run);
  const [all, found] = structures;
  expect(chosen).toBe('verdict');
  expect(found.logloss).toBeGreaterThan(0.99 * all.logloss);
  expect(found.logloss).toBeLessThan(all.logloss - 0.03 * ((rates as number) - all.logloss));
});

test('a verdict is not taken whose flows read the fields of others', async () => {
  const { data, names, right } = await world();
  const verdict = readFlows(right) as FlowDocument;
  const { fields } = verdict;
  const turned = fields.map(({ reads, ...field }) => ({ ...field, reads: [...reads.slice(1), reads[0]] }));
  const path = join(folder.path, 'wrong.json');
  writeFileSync(path, JSON.stringify({ ...verdict, fields: turned }));
  const wrong = await make(data, path);
  expect(choiceIn(wrong).chosen).toBe('keep all');
  expect(choiceIn(wrong).structures.map(({ steps }) => steps)).toEqual([200, 200, 200]); // it is clear by then
  expect((tableIn(wrong) as { fields: string[][] }).fields).toEqual(new Array(4).fill(names));
});

test('fields that act only together are kept', async () => {
  const data = await crossed(20_000);
  const run = await make(data);
  const reads = Object.fromEntries((readFlows(run) as FlowDocument).fields.map((field) => [field.field, field.reads]));
  expect(reads.left.concat(reads.right)).not.toContain(true);
  expect(choiceIn(run).chosen).not.toBe('verdict');
  expect((tableIn(run) as { fields: string[][] }).fields[0]).toEqual(['plain', 'left', 'right']);
});

test('a sample has the rows of the data, in tables as large as it needs', async () => {
  const data = await openPrepared(await prepareSmall(folder.path, 900, 200, 'many'));
  const whole = await sampleRows(data, {}, { rows: 10_000, validationRows: 10_000, seed: 1 });
  const part = await sampleRows(data, {}, { rows: 50, validationRows: 20, seed: 1 });
  expect([whole.train.rows, whole.held.size, part.train.rows, part.held.size]).toEqual([720, 90, 50, 20]);
  for (const { data, train, held } of [whole, part]) {
    const { fields, tableRows } = data.manifest;
    const ends = fields.map(({ offset, size }) => offset + size);
    expect(fields.map(({ offset }) => offset)).toEqual([0, ...ends.slice(0, -1)]);
    expect(tableRows).toBe(ends.at(-1));
    const slots = fields.flatMap((field) => new Array<typeof field>(field.slots).fill(field));
    const read: number[] = [];
    for await (const { ids, size, row } of train.batches({ batchSize: 32, shuffle: { seed: 1, epoch: 0 } })) {
      for (const [i, id] of ids.entries()) {
        const { offset, size } = slots[i % slots.length];
        expect(id >= offset && id < offset + size).toBe(true);
      }
      read.push(...row.subarray(0, size));
    }
    expect(read.toSorted((a, b) => a - b)).toEqual(Array.from(read, (_, i) => i));
    expect(held.ids.every((id, i) => id >= slots[i % slots.length].offset)).toBe(true);
  }
  expect(part.data.manifest.tableRows).toBeLessThan(data.manifest.tableRows);
  expect(whole.data.manifest.tableRows).toBeLessThanOrEqual(data.manifest.tableRows);
});
