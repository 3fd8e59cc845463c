/** What is written to a disk that fills up: the error has a code, and what was there before is whole. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { exportRun, selectRun } from '../../src/export/export.ts';
import { predictRun } from '../../src/inference/predict.ts';
import { exportWeights } from '../../src/interop/exchange.ts';
import { listCheckpoints, loadCheckpoint } from '../../src/store/run/checkpoint.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';

const { path: folder, remove } = temporaryFolder();
let data: string;
let run: string;
let count = 0;

beforeAll(async () => {
  data = await prepareSmall(folder, 3000);
  run = await makeRun(join(folder, 'run'), data, { train: { searchEpochs: 1, maxEpochs: 1 } });
  await trainWithStops(run);
});
afterAll(remove);

/** A disk of a few pages, with so many bytes left; undefined where it cannot be mounted. */
function smallDisk(free: number): string | undefined {
  const disk = join(folder, `disk${count++}`);
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => {
    execFileSync('umount', [disk]);
  });
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize - free));
  return disk;
}

const FULL = { code: 'DISK_FULL', exitCode: 6, message: expect.stringContaining('Free some space') };

test.each<[string, (disk: string) => Promise<unknown>]>([
  ['an artifact', (disk) => exportRun(run, { out: join(disk, 'artifact'), threads: 1 })],
  ['a selected artifact', (disk) => selectRun(run, { out: join(disk, 'artifact') })],
  ['weights', async (disk) => exportWeights(run, join(disk, 'weights.safetensors'))],
  ['predictions', (disk) => predictRun(run, { input: join(folder, 'data.csv'), output: join(disk, 'scores.parquet') })],
  ['a new run', (disk) => makeRun(join(disk, 'run'), data)],
])('%s', async (name, write) => {
  for (const pages of [0, 1, 2]) {
    const disk = smallDisk(4096 * pages);
    if (disk === undefined) return; // mounting needs root
    if (name === 'a new run' && pages > 0) return; // it fits
    await expect(write(disk)).rejects.toMatchObject(FULL);
    expect(readdirSync(disk).filter((name) => name !== 'run')).toEqual(['filler']);
  }
});

test('a training: its checkpoints before are whole, and it goes on where there is space', async () => {
  const disk = smallDisk(60_000);
  if (disk === undefined) return;
  const place = await makeRun(join(disk, 'run'), data, { train: { searchEpochs: 1, maxEpochs: 1 } });
  await expect(trainWithStops(place)).rejects.toMatchObject(FULL);
  const checkpoints = join(place, 'checkpoints');
  for (const { name } of listCheckpoints(checkpoints)) loadCheckpoint(checkpoints, name);
  writeFileSync(join(disk, 'filler'), '');
  await trainWithStops(place);
  expect(existsSync(join(place, 'finished.json'))).toBe(true);
});

test('row files: none is left half written', async () => {
  const disk = smallDisk(0);
  if (disk === undefined) return;
  writeFileSync(join(disk, 'filler'), '');
  cpSync(data, join(disk, 'data'), { recursive: true });
  rmSync(join(disk, 'data', 'rows'), { recursive: true, force: true });
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize - 8192));
  const prepared = await openPrepared(join(disk, 'data'));
  await expect(prepared.open('train')).rejects.toMatchObject(FULL);
  expect(readdirSync(join(disk, 'data', 'rows'))).toEqual([]);
});
