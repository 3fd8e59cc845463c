/** What only a process of its own can show: being killed, a full disk, memory that does not grow with the rows. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { bucketOf } from '../../../src/data/encode/tokens.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared, verifyPrepared } from '../../../src/data/prepared/open.ts';
import { dataset, failure, readParquetRows, temporaryFolder } from '../support.ts';

const JITI = join(dirname(createRequire(import.meta.url).resolve('jiti/package.json')), 'lib/jiti-cli.mjs');
const ONCE = join(import.meta.dirname, 'prepare-once.ts');

const rows = (n: number): string => {
  const lines = Array.from(
    { length: n },
    (_, i) => `user-${(i * 7919) % 5003},${(i * 31) % 997},${(i * 13) % 601},${i % 2}`,
  );
  return `user,item,price,click\n${lines.join('\n')}\n`;
};

/** Prepares `folder` in a process; kills it `delay` ms after it reached `step`. Returns whether it came to its end. */
function prepareInProcess(folder: string, kill?: { step: number; delay: number }): Promise<boolean> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [JITI, ONCE, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', (text: Buffer) => {
      if (kill !== undefined && text.toString().split('\n').includes(String(kill.step)))
        setTimeout(() => child.kill('SIGKILL'), kill.delay);
    });
    child.on('error', fail);
    child.on('exit', (code, signal) =>
      code === 0 || signal === 'SIGKILL' ? done(code === 0) : fail(new Error(`exit ${code}`)),
    );
  });
}

test('numbers get their buckets, be they few or too many to be mapped one by one', async () => {
  const few = Array.from({ length: 70_000 }, (_, i) => (i % 300) * 1.7);
  const many = few.map((_, i) => i * 0.37);
  const lines = few.map((value, i) => `${value},${many[i]},${i % 2}`);
  const fields = ['few', 'many'].map((name) => ({ name, kind: 'numeric' as const }));
  const config = dataset({
    name: 'numbers',
    sources: { t: { path: 't.csv' } },
    fields,
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: 'click' }],
    split: { kind: 'key', column: 'few', ratios: [1, 0, 0] },
  });
  const folder = temporaryFolder({ 't.csv': `few,many,click\n${lines.join('\n')}\n` });
  const out = join(folder, 'out');
  const { manifest } = await prepare({ config, sourceFolder: folder, out });
  const rows = await readParquetRows(join(out, manifest.splits.train.file));
  const { tokens } = await openPrepared(out);
  for (const [name, values] of Object.entries({ few, many })) {
    const known = await tokens(name);
    expect(rows.map((row) => known[Number(row[`field_${name}`])])).toEqual(
      values.map((value) => String(bucketOf('logSquare', value))),
    );
  }
});

test('killed at any step, the next run gives the same data set and leaves nothing else', async () => {
  const files = { 't.csv': rows(60_000) };
  const whole = temporaryFolder(files);
  expect(await prepareInProcess(whole)).toBe(true);
  const expected = (await openPrepared(join(whole, 'out'))).manifest.hash;

  const folder = temporaryFolder(files);
  const moments = random('moments of killing');
  for (let step = 1; step <= 6; step++) {
    const ended = await prepareInProcess(folder, { step, delay: moments.uniform() * 60 });
    // Either the whole data set is there, or nothing but what the next run removes.
    if (existsSync(join(folder, 'out'))) await verifyPrepared(join(folder, 'out'));
    else expect(ended).toBe(false);
  }
  expect(await prepareInProcess(folder)).toBe(true);
  expect((await openPrepared(join(folder, 'out'))).manifest.hash).toBe(expected);
  expect(readdirSync(folder).sort()).toEqual(['out', 't.csv']);
});

test.for([
  ['by the result', { size: '200k', memoryLimit: '1GB', fields: 1 }],
  ['by rows that do not fit the memory', { size: '8m', memoryLimit: '100MB', fields: 40 }],
] as const)(
  'a disk that is filled %s is named, and nothing is left on it',
  async ([, { size, memoryLimit, fields }], { skip }) => {
    const folder = temporaryFolder({ 't.csv': rows(200_000) });
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      skip('mounting a small disk needs root');
    }
    onTestFinished(() => {
      execFileSync('umount', [disk]);
    });
    const config = dataset({
      name: 'full',
      sources: { t: { path: 't.csv' } },
      fields: Array.from({ length: fields }, (_, i) => ({
        name: `f${i}`,
        kind: 'categorical' as const,
        expression: `hash(user) % ${1000 + i}`,
      })),
      scenario: { expression: '0', values: [0] },
      tasks: [{ name: 'click', label: 'click' }],
    });
    const e = await failure(prepare({ config, sourceFolder: folder, out: join(disk, 'out'), memoryLimit }));
    expect(e.code).toBe('DISK_FULL');
    expect(readdirSync(disk)).toEqual([]);
  },
);
