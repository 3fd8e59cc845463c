/** Judges a new model on the day that no model was trained on, against the model that serves. */
import type { LoopConfig } from '../../config/loop.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { Judgement } from '../../documents/loop/round.ts';
import { createGrid, numberOf } from '../../evaluate/index.ts';
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

/** Of the probabilities that requests would get: mean over the cells. */
async function calibrationError(data: PreparedData, { logits }: DayLogits, artifact: string): Promise<number | null> {
  const { scenarios, tasks, hasGroup } = data.manifest;
  const { manifest } = await openArtifact(artifact);
  if (manifest.data.tasks.join() !== tasks.join() || manifest.data.scenarios.join() !== scenarios.join()) return null;
  const cells = manifest.calibration.map((row) => row.map(calibrator));
  const grid = createGrid({ scenarios, tasks, hasGroup });
  try {
    const T = tasks.length;
    for await (const { size, row, labels, scenario, group } of data.batches('test')) {
      const calibrated = Float32Array.from({ length: size * T }, (_, i) => {
        const at = Math.floor(i / T);
        const logit = logits[row[at] * T + (i % T)];
        const p = cells[scenario[at]][i % T](logit, 1 / (1 + Math.exp(-logit)));
        return Math.log(p) - Math.log1p(-p);
      });
      grid.add({ size, logits: calibrated, labels, scenario, group });
    }
    return numberOf((await grid.finish()).macro.calibrationError);
  } finally {
    grid.dispose();
  }
}
