import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROGRAM, withoutRights } from './rights.ts';
import { events, type Outcome, SMALL_WORLD, TINY_MODEL, tributary } from './spawn.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
const at = (name: string): string => join(folder, name);
const isRoot = process.getuid?.() === 0;

const CONFIG = {
  name: 'shop',
  sources: { clicks: { path: 'clicks.csv', delimiter: ',', header: true } },
  fields: [
    { kind: 'categorical', name: 'user' },
    { kind: 'categorical', name: 'item' },
  ],
  scenario: { expression: 'place', values: ['home', 'search'] },
  tasks: [{ name: 'click', label: 'clicked' }],
};

const ROWS = Array.from(
  { length: 60 },
  (_, i) => `u${i % 7},i${i % 5},${i % 2 ? 'home' : 'search'},${i % 3 === 0 ? 1 : 0}`,
);
const csv = (rows = ROWS, header = 'user,item,place,clicked'): string => `${[header, ...rows].join('\n')}\n`;

/** Prepares a folder of its own with this content and configuration; what is left of the output is told, too. */
function prepare(
  name: string,
  content: string | Uint8Array,
  config: object = CONFIG,
  file = 'clicks.csv',
): Outcome & { left: string[] } {
  mkdirSync(at(name));
  writeFileSync(at(`${name}/${file}`), content);
  writeFileSync(at(`${name}/data.json`), JSON.stringify(config));
  const outcome = tributary(['prepare', at(`${name}/data.json`), '--out', at(`${name}/out`)]);
  return { ...outcome, left: readdirSync(at(name)).filter((entry) => entry !== file && entry !== 'data.json') };
}

/** A mistake of the user's: its code and exit code, no stack trace, nothing written. */
function expectRefusal(
  { code, err, left = [] }: Outcome & { left?: string[] },
  exit: number,
  name: string,
  message: RegExp,
): void {
  expect(err).toMatch(new RegExp(`^error ${name}: `, 'm'));
  expect(err).toMatch(message);
  expect(err).not.toMatch(/\n {4}at /);
  expect({ code, left }).toEqual({ code: exit, left: [] });
}

beforeAll(() => {
  events([...SMALL_WORLD, '--source', at('world'), '--out', at('data')]);
  events(['train', '--data', at('data'), ...TINY_MODEL, '--out', at('run')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the rows that the mistakes below are made in are good', () => {
  const { out, ...good } = prepare('good', csv());
  expect(good).toMatchObject({ code: 0, left: ['out'] });
  expect(out).not.toContain('warning');
});

test('a split that leaves a part without rows is said, as where all times are the same', () => {
  const sameDay = ROWS.map((row) => `${row},2024-01-31`);
  const config = { ...CONFIG, split: { kind: 'time', column: 'day' } };
  const { code, out } = prepare('one-day', csv(sameDay, 'user,item,place,clicked,day'), config);
  expect(code).toBe(0);
  expect(out).toContain('warning: the split leaves no rows for validation and test');
});

test('a missing column: named, with the nearest', () => {
  const config = { ...CONFIG, fields: [{ kind: 'categorical', name: 'usr' }] };
  expectRefusal(prepare('column', csv(), config), 3, 'DATA_COLUMNS_MISSING', /"usr".*did you mean "user"/);
});

test('a wrong delimiter', () => {
  const config = { ...CONFIG, sources: { clicks: { ...CONFIG.sources.clicks, delimiter: ';' } } };
  expectRefusal(prepare('delimiter', csv(), config), 3, 'DATA_[A-Z_]+', /delimiter|user,item,place,clicked/);
});

test('a label of 2: where, and what is expected', () => {
  const rows = ROWS.with(17, 'u1,i1,home,2');
  expectRefusal(
    prepare('label', csv(rows)),
    3,
    'DATA_LABEL_INVALID',
    /task "click".* gives 2 .*row 18.*expected 0, 1/s,
  );
});

test('an empty file', () => {
  expectRefusal(prepare('empty', ''), 3, 'DATA_FILE_EMPTY', /clicks\.csv.* is empty/);
});

test('a Parquet file that was cut off', () => {
  const whole = readFileSync(at('world/synthetic.parquet'));
  const config = { ...CONFIG, sources: { clicks: { path: 'clicks.parquet' } } };
  const cut = prepare('parquet', whole.subarray(0, whole.length / 2), config, 'clicks.parquet');
  expectRefusal(cut, 3, 'DATA_FILE_DAMAGED', /clicks\.parquet cannot be read as parquet/i);
});

test('bytes that are not UTF-8: line and byte', () => {
  const bytes = Buffer.concat([
    Buffer.from(csv(ROWS.slice(0, 5))),
    Buffer.from([0x75, 0xe9, 0x2c]),
    Buffer.from('i1,home,1\n'),
  ]);
  const config = { ...CONFIG, sources: { clicks: { ...CONFIG.sources.clicks, encoding: 'utf-8' } } };
  expectRefusal(prepare('encoding', bytes, config), 3, 'DATA_ENCODING', /line 7 .*not valid UTF-8/i);
});

test('a configuration with three mistakes: all three', () => {
  const config = { ...CONFIG, nmae: 'x', fields: [{ kind: 'categorical', name: '1st' }], tasks: [{ name: 'click' }] };
  const { err, ...rest } = prepare('config', csv(), config);
  expectRefusal({ err, ...rest }, 2, 'CONFIG_INVALID', /3 mistakes in the dataset configuration/);
  for (const path of ['nmae', 'fields.0.name', 'tasks.0.label']) expect(err).toContain(`  ${path}: `);
});

test('a run configuration with three mistakes: all three, and no run folder', () => {
  const set = ['train.bathSize=10', 'train.learningRate=fast', 'model.loraRank=-1'].flatMap((text) => ['--set', text]);
  const outcome = tributary(['train', '--data', at('data'), '--model', 'autoifs', ...set, '--out', at('never')]);
  expectRefusal(outcome, 2, 'CONFIG_INVALID', /3 mistakes in the/);
  expect(outcome.err).toMatch(/train\.bathSize: .*nearest is train\.batchSize/);
  expect(existsSync(at('never'))).toBe(false);
});

test('options that do not go with the data, or with the run to start from: no run folder', () => {
  const train = (...words: string[]): Outcome & { left: string[] } => ({
    ...tributary(['train', '--data', at('data'), ...TINY_MODEL, ...words, '--out', at('never')]),
    left: existsSync(at('never')) ? ['never'] : [],
  });
  const set = ['--set', 'model.gatePenalty=[1,2,3]', '--set', 'train.taskWeights.buy=2'];
  expectRefusal(
    train(...set),
    2,
    'CONFIG_INVALID',
    /model\.gatePenalty: .*one per task \(2\), found 3\n.*taskWeights\.buy: .*click, like/,
  );
  expectRefusal(
    train('--warm-start', at('run'), '--set', 'model.loraRank=1'),
    2,
    'WARM_START_MISMATCH',
    /parameter task\.0\.lora\.down: 8,8 there, 8,2 here/,
  );
  expectRefusal(train('--warm-start', at('nowhere')), 4, 'RUN_NOT_FOUND', /nowhere is not a run folder/);
});

test('a checkpoint with one flipped byte is refused; the one before it goes on', () => {
  cpSync(at('run'), at('flipped'), { recursive: true });
  const checkpoints = at('flipped/checkpoints');
  const numbered = readdirSync(checkpoints)
    .filter((name) => /^\d+\.safetensors$/.test(name))
    .sort();
  const path = join(checkpoints, numbered.at(-1) as string);
  const bytes = readFileSync(path);
  bytes[bytes.length - 100] ^= 1;
  writeFileSync(path, bytes);
  expectRefusal(tributary(['resume', at('flipped')]), 4, 'CHECKSUM_MISMATCH', /is damaged.*resume .*--from/s);
  const before = numbered[0].slice(0, 6);
  expect(tributary(['resume', at('flipped'), '--from', before])).toMatchObject({ code: 0 });
  expect(readFileSync(at('flipped/model.safetensors')).equals(readFileSync(at('run/model.safetensors')))).toBe(true);
});

test('a run folder of another data set', () => {
  events([...SMALL_WORLD, '--seed', '9', '--source', at('other-world'), '--out', at('other')]);
  for (const words of [['flows'], ['resume'], ['export', '--out', at('never')]])
    expectRefusal(
      tributary([words[0], at('run'), '--data', at('other'), ...words.slice(1)]),
      4,
      'RUN_OTHER_DATASET',
      /trained on the data set.*--data/s,
    );
  // Evaluation takes any data with the same fields; the world of another seed has other quantiles.
  expectRefusal(
    tributary(['evaluate', at('run'), '--data', at('other')]),
    2,
    'MODEL_MISFIT',
    /other buckets of "price"/,
  );
});

test('a loss that is not finite: step, task, learning rate and gradient; the last checkpoint is kept', () => {
  const words = [
    'train',
    '--data',
    at('data'),
    ...TINY_MODEL,
    '--set',
    'train.learningRate=1e30',
    '--out',
    at('diverged'),
  ];
  expectRefusal(
    tributary(words),
    5,
    'LOSS_NOT_FINITE',
    /task "(click|like)".* step \d+ .*learning rate 1e\+30, largest gradient /s,
  );
  expect(readdirSync(at('diverged'))).toContain('run.json');
});

const prefix = withoutRights(...PROGRAM);
const why = prefix === undefined ? ' (skipped: root runs this, and setpriv is missing or cannot read the clone)' : '';

test.skipIf(prefix === undefined)(`no write permission${why}`, () => {
  const locked = at('locked');
  mkdirSync(locked);
  chmodSync(locked, 0o555);
  for (const path of [folder, at('world'), at('data')]) chmodSync(path, 0o755);
  const options = { prefix }; // permissions do not bind root
  const prepared = tributary([...SMALL_WORLD, '--source', at('world'), '--out', join(locked, 'out')], options);
  expectRefusal({ ...prepared, left: readdirSync(locked) } as Outcome, 6, 'FILE_UNWRITABLE', /locked/);
  const trained = tributary(['train', '--data', at('data'), ...TINY_MODEL, '--out', join(locked, 'run')], options);
  expectRefusal({ ...trained, left: readdirSync(locked) } as Outcome, 6, 'FILE_UNWRITABLE', /locked/);
});

const small = at('small');
const canMount = isRoot && mount('1m');

function mount(size: string): boolean {
  mkdirSync(small);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', small]).status === 0;
  if (mounted) afterAll(() => spawnSync('umount', [small]));
  return mounted;
}

test.skipIf(!canMount)('a full disk, in preparing and in training (needs root, to mount a small one)', () => {
  const prepared = tributary([
    'prepare',
    'synthetic',
    '--rows',
    '200000',
    '--source',
    at('large'),
    '--out',
    join(small, 'out'),
  ]);
  expectRefusal({ ...prepared, left: readdirSync(small) } as Outcome, 6, 'DISK_FULL', /no space left/);
  const words = [
    'train',
    '--data',
    at('data'),
    ...TINY_MODEL,
    '--set',
    'model.embeddingDim=64',
    '--out',
    join(small, 'run'),
  ];
  expectRefusal(tributary(words), 6, 'DISK_FULL', /no space left/);
});
