/** What a finished training leaves for the comparison, beside its run folder and its logits. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { readText, writeFileAtomic } from '../../base/files.ts';
import { sha256File } from '../../base/hash.ts';
import { seal, unseal } from '../../base/seal.ts';
import { type GridJson, gridToJson } from '../../evaluate/index.ts';
import { modelSizes } from '../../inference/model/sizes.ts';
import { findModel } from '../../model/registry.ts';
import { readLog, runPaths } from '../../store/run/run-folder.ts';
import { type ModelCost, modelCost } from '../../train/cost.ts';
import type { TrainingOutcome } from '../job.ts';
import type { Cell } from './plan.ts';

export interface CellResult {
  version: 1;
  /** Metrics on the test rows. */
  grid: GridJson;
  /** Epochs run per phase, and the epoch of the last phase whose weights were kept. */
  epochs: Record<string, number>;
  bestEpoch: number;
  cost: ModelCost;
  /** SHA-256 of the logits file. */
  logits: string;
  times: CellTimes;
}

/** What differs from machine to machine and from time to time. */
export interface CellTimes {
  /** Wall and processor time up to the end of the best epoch: search phase, validation and all. */
  secondsToBest: number;
  processorSecondsToBest: number;
  /** Wall time of the whole training. */
  seconds: number;
  peakBytes: number;
}

export const cellPaths = (folder: string) => ({
  run: join(folder, 'run'),
  logits: join(folder, 'test-logits.f32'),
  result: join(folder, 'cell.json'),
});

/** The result of a cell that was finished before; undefined where it was not, or its files are not whole. */
export async function readCell(folder: string): Promise<CellResult | undefined> {
  const { result, logits } = cellPaths(folder);
  if (!existsSync(result) || !existsSync(logits)) return undefined;
  const content = unseal(readText(result, 'the result of a training'));
  if (!('value' in content)) return undefined;
  const found = content.value as unknown as CellResult;
  return found.version === 1 && (await sha256File(logits)) === found.logits ? found : undefined;
}

/** Puts together what a finished training says of itself and writes it: from then on the cell is done. */
export async function writeCell(
  { folder, run, data }: Cell,
  { result, peakBytes }: Extract<TrainingOutcome, { kind: 'finished' }>,
): Promise<CellResult> {
  const paths = cellPaths(folder);
  const { manifest } = data;
  const model = findModel(run.model.key);
  const { bestEpoch, times } = readTimes(paths.run);
  const cell: CellResult = {
    version: 1,
    grid: gridToJson(result.grid),
    epochs: { ...result.epochs },
    bestEpoch,
    cost: modelCost(model, model.options.parse(run.model), modelSizes(manifest), manifest.tableRows),
    logits: await sha256File(paths.logits),
    times: { ...times, seconds: result.seconds, peakBytes: Math.max(times.peakBytes, peakBytes) },
  };
  writeFileAtomic(paths.result, seal(cell));
  return cell;
}

interface EpochLine {
  phase: string;
  epoch: number;
}

/** Out of the logs of a run: its best epoch and what it took to get there. */
function readTimes(run: string): { bestEpoch: number; times: Omit<CellTimes, 'seconds'> } {
  const epochs = (readLog(run, 'metrics') as (EpochLine & { kind: string; best?: boolean })[]).filter(
    ({ kind }) => kind === 'epoch',
  );
  const last = epochs.at(-1);
  // Where the monitored metric is never defined, no epoch is best and the last weights are kept.
  const best = epochs.findLast(({ phase, best }) => phase === last?.phase && best) ?? last;
  const lines = readLog(run, 'timings') as (EpochLine & {
    totalSeconds: number;
    processorSeconds: number;
    peakBytes: number;
  })[];
  const line = lines.find(({ phase, epoch }) => phase === best?.phase && epoch === best.epoch);
  if (best === undefined || line?.totalSeconds === undefined)
    throw error('RUN_DAMAGED', {
      path: runPaths(run).timings,
      problem: 'it does not have the times of the best epoch',
    });
  return {
    bestEpoch: best.epoch,
    times: {
      secondsToBest: line.totalSeconds,
      processorSecondsToBest: line.processorSeconds,
      peakBytes: Math.max(...lines.map(({ peakBytes }) => peakBytes ?? 0)),
    },
  };
}
