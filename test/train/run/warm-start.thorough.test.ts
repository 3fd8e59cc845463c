/** What a warm start tells before its first epoch, and what it needs of the run that it starts from. */
import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gridToJson } from '../../../src/documents/grid.ts';
import { readJsonLines } from '../../../src/store/json-lines.ts';
import { evaluateRun } from '../../../src/train/evaluate-run.ts';
import type { TrainingEvent } from '../../../src/train/run/events.ts';
import { runTraining } from '../../../src/train/run/run.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../support.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
const MODEL = { key: 'aitm', embeddingDim: 4, norm: 'batch' };
let data: string;
let run: string;

beforeAll(async () => {
  data = await prepareSmall(folder.path);
  run = await makeRun(at('before'), data, { model: MODEL, train: { maxEpochs: 3, patience: 3 } });
  await trainWithStops(run);
});
afterAll(() => folder.remove());

async function eventsOf(name: string, on: string, input: Record<string, unknown> = {}): Promise<TrainingEvent[]> {
  const warm = await makeRun(at(name), on, { model: MODEL, warmStart: run, train: { maxEpochs: 1 }, ...input });
  const events: TrainingEvent[] = [];
  await runTraining({ folder: warm, emit: (event) => events.push(event), shouldStop: () => false });
  return events;
}

test('the score of the starting weights comes before the first epoch: that of the run on the same rows', async () => {
  const events = await eventsOf('warm', data);
  const names = events.map(({ event }) => event).filter((event) => event !== 'progress');
  expect(names.slice(0, 4)).toEqual(['start', 'phase', 'startWeights', 'checkpoint']);
  const found = events.find((event) => event.event === 'startWeights');
  const { grid } = await evaluateRun(run, 'validation');
  // Moving averages of batch norms are taken over, too: all numbers are those of the run.
  expect(found && gridToJson(found.validation)).toEqual(gridToJson(grid));
  const [line] = readJsonLines(join(at('warm'), 'metrics.jsonl')) as Record<string, unknown>[];
  expect(line).toMatchObject({ kind: 'startWeights', monitor: found?.monitor });
});

test('a run without warm start has none, and one that goes on does not measure again', async () => {
  expect(readJsonLines(join(run, 'metrics.jsonl'))).not.toContainEqual(
    expect.objectContaining({ kind: 'startWeights' }),
  );
  const warm = await makeRun(at('stopped'), data, { model: MODEL, warmStart: run, train: { maxEpochs: 2 } });
  await trainWithStops(warm, [1, 2, 4]);
  const lines = readJsonLines(join(warm, 'metrics.jsonl')) as { kind: string }[];
  expect(lines.filter(({ kind }) => kind === 'startWeights')).toHaveLength(1);
});

test('the data of the run before may lie elsewhere: --warm-start-data names them', async () => {
  const today = await prepareSmall(folder.path, 500, 35, 'today');
  cpSync(data, at('copy'), { recursive: true });
  renameSync(data, at('away'));
  try {
    const failure = eventsOf('lost', today);
    await expect(failure).rejects.toMatchObject({ code: 'RUN_DATA_MISSING' });
    await expect(failure).rejects.toThrow('--warm-start-data');
    await expect(eventsOf('wrong', today, { warmStartData: today })).rejects.toMatchObject({
      code: 'RUN_OTHER_DATASET',
    });
    const events = await eventsOf('found', today, { warmStartData: at('copy') });
    expect(events.at(-1)?.event).toBe('result');
    // The same data in another place need not be named.
    expect((await eventsOf('same', at('copy'))).at(-1)?.event).toBe('result');
  } finally {
    renameSync(at('away'), data);
  }
});

test('where no cell has the minimum of positives, a warning says so once', async () => {
  const evaluate = { minPositives: 5000, minNegatives: 10 };
  const events = await eventsOf('few', data, { evaluate, train: { maxEpochs: 3, patience: 3 } });
  const warnings = events.flatMap((event) => (event.event === 'warning' ? [event.message] : []));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('no cells with at least 5000 positives and 10 negatives');
  const healthy = await eventsOf('enough', data, { evaluate: { minPositives: 1, minNegatives: 1 } });
  expect(healthy.filter(({ event }) => event === 'warning')).toEqual([]);
});

test('early stopping watches the cells that count', async () => {
  const all = await eventsOf('all', data, { evaluate: { minPositives: 0, minNegatives: 0 } });
  const epoch = all.find((event) => event.event === 'epoch');
  const positives = epoch?.validation.cells.map((cell) => cell.positives) ?? [];
  const most = Math.max(...positives);
  const one = await eventsOf('one', data, { evaluate: { minPositives: most, minNegatives: 0 } });
  const counted = one.find((event) => event.event === 'epoch');
  const cell = counted?.validation.cells.find((of) => of.positives === most);
  expect(cell?.auc).toEqual({ value: counted?.monitor });
  expect(counted?.monitor).not.toBe(epoch?.monitor);
});
