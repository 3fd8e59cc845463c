/** Judges a new model on the day that no model was trained on, against the model that serves. */
import type { LoopConfig } from '../../config/loop.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { Judgement } from '../../documents/loop/round.ts';
import { CalibrationBuckets, numberOf, sigmoid, weightedMean } from '../../evaluate/index.ts';
import type { Impression } from '../../events/event.ts';
import { calibrator } from '../../store/artifact/calibration.ts';
import { openArtifact } from '../../store/artifact/open.ts';
import { readTestRows } from '../../study/compare/test-rows.ts';
import type { Served } from '../rounds.ts';
import { compareAuc } from './auc.ts';
import { fieldDrift } from './drift.ts';
import { checkGates } from './gates.ts';
import { type DayLogits, dayLogits } from './logits.ts';
import { repeatRequests } from './requests.ts';

export interface Judged {
  serving: Served;
  /** The new run, its data and its artifact. */
  run: string;
  data: string;
  artifact: string;
  /** Answers to repeat. */
  impressions: readonly Impression[];
}

export async function judge(
  { serving, run, data: folder, artifact, impressions }: Judged,
  rule: LoopConfig['gates'],
): Promise<Judgement> {
  const data = await openPrepared(folder);
  const rows = await readTestRows(data);
  const [before, next] = [await dayLogits(serving.run, folder), await dayLogits(run, folder)];
  const { tried, failing, reason } = await repeatRequests(artifact, impressions);
  const measured = {
    rows: data.manifest.splits.test.rows,
    units: rows.groups.count,
    ...compareAuc(rows, data.manifest, { serving: before, next }, rule),
    calibrationError: {
      serving: await calibrationError(data, before, serving.artifact),
      next: await calibrationError(data, next, artifact),
    },
    drift: await fieldDrift(data),
    requests: { tried, failing },
  };
  return { ...measured, gates: checkGates(measured, rule, reason) };
}

/** Of the probabilities that requests would get, by the weights of the rows: those of sampled negatives stand for several. Mean over the cells. */
async function calibrationError(data: PreparedData, { logits }: DayLogits, artifact: string): Promise<number | null> {
  const { scenarios, tasks } = data.manifest;
  const { manifest } = await openArtifact(artifact);
  if (manifest.data.tasks.join() !== tasks.join() || manifest.data.scenarios.join() !== scenarios.join()) return null;
  const cells = manifest.calibration.map((row) => row.map(calibrator));
  const T = tasks.length;
  const buckets = scenarios.map(() => tasks.map(() => new CalibrationBuckets()));
  for await (const { size, row, labels, scenario, weight } of data.batches('test'))
    for (let i = 0; i < size * T; i++) {
      const [at, t, label] = [Math.floor(i / T), i % T, labels[i]];
      if (Number.isNaN(label)) continue;
      const logit = logits[row[at] * T + t];
      const p = cells[scenario[at]][t](logit, sigmoid(logit));
      buckets[scenario[at]][t].add(p, weight[at] * label, weight[at] * (1 - label));
    }
  const errors = buckets.flat().map((cell) => numberOf(cell.error()));
  return weightedMean(
    errors,
    errors.map(() => 1),
  );
}
