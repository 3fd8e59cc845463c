/** What a finished training leaves for the comparison, next to its run folder and its logits. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { readText, writeFileAtomic } from '../../base/files.ts';
import { sha256File } from '../../base/hash.ts';
import { seal, unseal } from '../../base/seal.ts';
import { type CellResult, type CellTimes, cellResultSchema } from '../../documents/comparison.ts';
import { gridToJson } from '../../documents/grid.ts';
import { modelSizes } from '../../inference/model/sizes.ts';
import { findModel } from '../../model/registry.ts';
import { openRun, readMetrics, readTimings, runPaths } from '../../store/run/run-folder.ts';
import { modelCost } from '../../train/cost.ts';
import type { TrainingOutcome } from '../job.ts';
import type { Cell } from './plan.ts';

/** How a cell ended. */
export type CellEnd =
  | { kind: 'finished'; cell: Cell; result: CellResult }
  | { kind: 'failed'; cell: Cell; code: string; message: string }
  | { kind: 'stopped'; cell: Cell };

export const cellPaths = (folder: string) => ({
  run: join(folder, 'run'),
  logits: join(folder, 'test-logits.f32'),
  result: join(folder, 'cell.json'),
});

/** The result of a cell that was finished before; undefined where it was not, or its files are damaged. */
export async function readCell(folder: string): Promise<CellResult | undefined> {
  const { result, logits } = cellPaths(folder);
  if (!existsSync(result) || !existsSync(logits)) return undefined;
  const content = unseal(readText(result, 'the result of a training'));
  if (!('value' in content)) return undefined;
  const found = cellResultSchema.safeParse(content.value);
  return found.success && (await sha256File(logits)) === found.data.logits ? found.data : undefined;
}

/** Writes the result of a finished training: from then on the cell is finished. */
export async function writeCell(
  { folder, run, data }: Cell,
  { result, peakBytes }: Extract<TrainingOutcome, { kind: 'finished' }>,
): Promise<CellResult> {
  const paths = cellPaths(folder);
  const { manifest } = data;
  const model = findModel(run.model.key);
  const { bestEpoch, curve, times } = readCourse(paths.run);
  const cell: CellResult = {
    version: 1,
    grid: gridToJson(result.grid),
    epochs: { ...result.epochs },
    bestEpoch,
    curve,
    // The options as the run has them: its flow table is what the test of flows found.
    cost: modelCost(
      model,
      model.options.parse(openRun(paths.run).config.model),
      modelSizes(manifest),
      manifest.tableRows,
    ),
    logits: await sha256File(paths.logits),
    times: { ...times, seconds: result.seconds, peakBytes: Math.max(times.peakBytes, peakBytes) },
  };
  writeFileAtomic(paths.result, seal(cell));
  return cell;
}

/** Reads from the logs of a run how its last phase went, its best epoch, and the time and memory until then. */
function readCourse(run: string): Pick<CellResult, 'bestEpoch' | 'curve'> & { times: Omit<CellTimes, 'seconds'> } {
  const epochs = readMetrics(run).filter((line) => line.kind === 'epoch');
  const last = epochs.at(-1);
  // Where the monitored metric is never defined, no epoch is best and the last weights are kept.
  const best = epochs.findLast(({ phase, best }) => phase === last?.phase && best) ?? last;
  const lines = readTimings(run).filter((line) => 'phase' in line);
  const line = lines.find(({ phase, epoch }) => phase === best?.phase && epoch === best.epoch);
  if (best === undefined || line?.totalSeconds === undefined || line.processorSeconds === undefined)
    throw error('RUN_DAMAGED', {
      path: runPaths(run).timings,
      problem: 'it does not have the times of the best epoch',
    });
  return {
    bestEpoch: best.epoch,
    curve: epochs.filter(({ phase }) => phase === best.phase).map(({ validation }) => validation.macro.auc),
    times: {
      secondsToBest: line.totalSeconds,
      processorSecondsToBest: line.processorSeconds,
      peakBytes: Math.max(...lines.map(({ peakBytes }) => peakBytes ?? 0)),
    },
  };
}
