/** How sure the difference of two runs is: both score the same test rows. */
import { hasManifest } from '../../data/prepared/manifest.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import { type ClusteredMean, type ClusteredMetric, pairedDifference } from '../../evaluate/clustered.ts';
import { openModel } from '../../inference/model/finished.ts';
import { describeData } from '../../inference/model/run-data.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { openRun } from '../../store/run/run-folder.ts';
import { cellsOf, drawRows, logitsOf } from '../rows.ts';

/** Differences by cell, or why there are none. */
export type Paired =
  | { cells: (Record<ClusteredMetric, ClusteredMean> | undefined)[]; names: { scenario: string; task: string }[] }
  | { missing: string };

/** @param data the data set of both runs, if it was moved */
export async function pairedRuns(
  runs: readonly [string, string],
  { data: place, backend }: { data?: string } & Pick<SessionOptions, 'backend'>,
): Promise<Paired> {
  const [own, other] = runs.map((run) => openRun(run).data);
  if (own.hash !== other.hash) return { missing: 'the runs were trained on different data sets' };
  const folder = place ?? own.folder;
  if (!hasManifest(folder)) return { missing: `there are no data in ${folder}: name them with --data` };
  const data = await openPrepared(folder);
  if (data.manifest.hash !== own.hash) return { missing: `the runs were not trained on the data in ${folder}` };
  const { manifest } = data;
  await using reader = await data.open('test');
  const rows = await drawRows(manifest, reader, { limit: Number.POSITIVE_INFINITY, seed: 0 });
  const logits: Float32Array[][] = [];
  for (const run of runs) {
    await using model = await openModel(run, { backend, data: describeData(manifest) });
    logits.push(await logitsOf(model, rows, manifest.tasks.length));
  }
  const cells = cellsOf(rows, manifest);
  return {
    names: cells,
    cells: cells.map((cell) => pairedDifference(cell, [logits[0][cell.taskIndex], logits[1][cell.taskIndex]], rows)),
  };
}
