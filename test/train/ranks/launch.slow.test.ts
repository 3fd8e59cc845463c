/** `tributary launch -- resume` with each MPI implementation that is installed: the bits of ranks in memory. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jsonLines, tributary } from '../../cli/spawn.ts';
import { type Implementation, LAUNCHERS, missing } from '../../comm/mpi.ts';
import { makeRun, prepareSmall, temporaryFolder } from '../support.ts';
import { trainOver } from './train.ts';

const folder = temporaryFolder();
let data: string;
let expected: Buffer;
let counter = 0;

const newRun = (tables = 'auto'): Promise<string> =>
  makeRun(join(folder.path, `run${++counter}`), data, { threads: 1, train: { searchEpochs: 1, maxEpochs: 1, tables } });
const model = (run: string): Buffer => readFileSync(join(run, 'model.safetensors'));

beforeAll(async () => {
  data = await prepareSmall(folder.path);
  const run = await newRun();
  await trainOver(run, 2);
  expected = model(run);
});
afterAll(() => folder.remove());

describe.each<Implementation>(['Open MPI', 'MPICH'])('%s', (implementation) => {
  const reason = missing(implementation);
  if (reason !== undefined) {
    test.skip(`skipped: ${reason}`, () => {});
    return;
  }
  const launch = ['launch', '--mpirun', LAUNCHERS[implementation].command, '--ranks', '2', '--'];

  test('trains over two processes; rank 0 alone tells of it', async () => {
    const run = await newRun(implementation === 'MPICH' ? 'sharded' : 'auto'); // Open MPI shares rows in the long tests
    const { code, out, err } = tributary([...launch, 'resume', run, '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const events = jsonLines(out);
    for (const event of ['start', 'result']) expect(events.filter((one) => one.event === event)).toHaveLength(1);
    expect(model(run).equals(expected)).toBe(true);
  });
});
