/** Processes that train together are stopped and killed: what is left is a whole checkpoint, and any number of ranks goes on. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { latestCheckpoint } from '../../../src/store/run/checkpoint.ts';
import { runPaths } from '../../../src/store/run/run-folder.ts';
import { whileRunning } from '../../cli/ranks.ts';
import { jsonLines, tributary } from '../../cli/spawn.ts';
import { IMPLEMENTATIONS, LAUNCHERS, missing } from '../../comm/mpi.ts';
import { makeRun, prepareSmall, temporaryFolder } from '../support.ts';
import { aucOf, trainOver } from './train.ts';

const folder = temporaryFolder();
let data: string;
let whole: string;
let counter = 0;

const TRAIN = { batchSize: 310, searchEpochs: 3, maxEpochs: 12, patience: 12, checkpointMinutes: 0.0005 };
const newRun = (tables = 'auto'): Promise<string> =>
  makeRun(join(folder.path, `run${++counter}`), data, { threads: 1, train: { ...TRAIN, tables } });
const bits = (run: string): Buffer => readFileSync(join(run, 'model.safetensors'));
const launch = ['launch', '--mpirun', 'mpirun.openmpi', '--ranks', '2', '--'];

const newest = (run: string): number => {
  const { checkpoints } = runPaths(run);
  const names = existsSync(checkpoints) ? readdirSync(checkpoints) : [];
  return Math.max(0, ...names.map((name) => Number.parseInt(name, 10)).filter(Number.isFinite));
};

/** Has a run got so far, and further than now, that its next checkpoints are within its epochs? */
const goesOn = (run: string): (() => boolean) => {
  const before = Math.max(15, newest(run));
  return () => newest(run) > before;
};

const reason = missing('Open MPI');
describe.skipIf(reason !== undefined)(`two ranks${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  beforeAll(async () => {
    data = await prepareSmall(folder.path, 4000);
    whole = await newRun();
    await trainOver(whole, 2);
  });
  afterAll(() => folder.remove());

  test.each(['replicated', 'sharded'])(
    '%s tables, one killed: the other ends, with one error; 1, 2 and 4 ranks go on from the last checkpoint',
    async (tables) => {
      const run = await newRun(tables);
      const kill = (ranks: number[]): void => void process.kill(ranks[1], 'SIGKILL');
      const step = (): number => latestCheckpoint(runPaths(run).checkpoints)!.position.step;
      // Some kills come between two epochs: the run goes on, and is killed again, until one was within an epoch.
      for (let tries = 0; tries === 0 || (step() === 0 && tries < 5); tries++) {
        const { code, err } = await whileRunning([...launch, 'resume', run], kill, goesOn(run));
        expect(code).toBe(6);
        expect(err.match(/^error /gm)).toHaveLength(1);
        expect(err).toContain('error RANK_LOST');
        expect(err).toContain(`tributary launch --ranks 2 -- resume ${run}`);
        expect(existsSync(join(run, 'model.safetensors'))).toBe(false);
      }
      expect(step()).toBeGreaterThan(0);

      for (const ranks of [1, 2, 4]) {
        const resumed = `${run}-on-${ranks}`;
        cpSync(run, resumed, { recursive: true });
        await trainOver(resumed, ranks);
        expect(Math.abs(aucOf(resumed) - aucOf(whole)), `AUC on ${ranks} ranks`).toBeLessThan(5e-4);
        if (ranks === 2) expect(bits(resumed).equals(bits(whole))).toBe(true);
      }
    },
  );

  test('with their shares of the rows by MPI have the bits of whole tables in memory', async () => {
    const run = await newRun('sharded');
    expect(tributary([...launch, 'resume', run])).toMatchObject({ code: 0 });
    expect(bits(run).equals(bits(whole))).toBe(true);
  });

  test('Ctrl-C stops both after the same step; resumed, they end with the same bits', async () => {
    const run = await newRun();
    const stop = (_: number[], launcher: number): void => void process.kill(launcher, 'SIGINT');
    const { code, err } = await whileRunning([...launch, 'resume', run], stop, goesOn(run));
    expect(code).toBe(130);
    expect(err).not.toContain('error ');
    expect(tributary([...launch, 'resume', run])).toMatchObject({ code: 0 });
    expect(bits(run).equals(bits(whole))).toBe(true);
  });

  test('an uncaught error of one rank ends both, without `tributary launch`, too', async () => {
    const run = await newRun();
    const fault = join(folder.path, 'fault.mjs');
    // Rank 1 has an error that nobody awaits, while its thread trains.
    const lines = [
      "import { isMainThread } from 'node:worker_threads';",
      'const found = process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK;',
      "if (isMainThread && found === '1') setTimeout(() => { throw new Error('planted'); }, 1500);",
    ];
    writeFileSync(fault, lines.join('\n'));
    for (const implementation of IMPLEMENTATIONS.filter((one) => missing(one) === undefined)) {
      const { command, options } = LAUNCHERS[implementation];
      const prefix = ['env', `NODE_OPTIONS=--import=${fault}`, command, ...options, '-np', '2'];
      const { code, err } = tributary(['resume', run], { prefix });
      expect(code, implementation).toBe(1);
      expect(err).toMatch(/^rank 1: error INTERNAL[\s\S]*planted/m);
    }
  });

  test('evaluate and compare give what one process gives', async () => {
    const evaluated = (words: string[]) => {
      const { seconds: _, ...rest } = jsonLines(tributary([...words, 'evaluate', whole, '--json']).out)[0];
      return rest;
    };
    const alone = evaluated([]);
    expect(alone).toMatchObject({ event: 'result' });
    expect(evaluated(launch)).toEqual(alone);

    const models = ['shared-bottom', 'mmoe'].map((model) => ({ model }));
    const comparison = join(folder.path, 'zoo.json');
    writeFileSync(comparison, JSON.stringify({ data, seeds: [1], common: { train: { maxEpochs: 1 } }, models }));
    const compared = (name: string, ...words: string[]): string => {
      const out = join(folder.path, name);
      expect(tributary([...words, 'compare', comparison, '--out', out, '--json'])).toMatchObject({ code: 0, err: '' });
      expect(
        readdirSync(join(out, 'cells'), { recursive: true }).filter((file) => `${file}`.endsWith('claimed')),
      ).toEqual([]);
      return readFileSync(join(out, 'result.json'), 'utf8');
    };
    expect(compared('over ranks', ...launch)).toBe(compared('alone'));
  });

  test('makes the folder of a run once, and reports a mistake of it once', () => {
    const out = join(folder.path, 'new');
    const words = ['train', '--data', data, '--model', 'shared-bottom', '--set', 'train.maxEpochs=1', '--out', out];
    expect(tributary([...launch, ...words])).toMatchObject({ code: 0, err: '' });
    const again = tributary([...launch, ...words]);
    expect(again.code).toBe(2);
    expect(again.err.match(/error /g)).toHaveLength(1);
    expect(again.err).toContain('error RUN_EXISTS');
  });
});
