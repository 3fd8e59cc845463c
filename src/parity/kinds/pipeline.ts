/**
 * A whole AutoIFS training: search with rising temperature, rewind, retraining with hard frozen gates, early stop. The
 * fixture's rows are prepared, its initial weights imported, the run is warm-started from them and trained as usual,
 * and its results are compared.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { numberOf } from '../../evaluate/index.ts';
import { arranged } from '../../interop/arrangement.ts';
import { Checks } from '../checks.ts';
import { type Fixture, NotUnderstood } from '../fixture.ts';
import { type ReferenceModel, readReferenceModel } from '../reference-model.ts';
import { EXACT, readTolerances, type Tolerance } from '../tolerance.ts';
import { smallestSize } from './flow-gates.ts';
import {
  type Moment,
  type Snapshot,
  scoreValidation,
  type TrainingEntries,
  type TrainingTrace,
  trainFixture,
  trainingSchema,
} from './pipeline-run.ts';

export const isPipelineFixture = (fixture: Fixture): boolean =>
  fixture.has('model') && fixture.names('input.train.').length > 0;

/** Rounding errors grow over many steps: the fixtures advise 1e-3 for losses, 5e-3 for parameters and AUC. */
const LOSS: Tolerance = { rtol: 0, atol: 1e-3 };
const MANY_STEPS: Tolerance = { rtol: 0, atol: 5e-3 };
/** And 99.5 % of the hard gates, because a gate whose logit is near zero may flip. */
const GATES_THAT_MAY_DIFFER = 0.005;
/** Share of a tensor's elements that may differ, because Adam turns a gradient of rounding noise into a full step. */
const ELEMENTS_THAT_MAY_DIFFER = 0.001;

const claimsSchema = z.object({
  temperatures_per_search_epoch: z.array(z.number()).optional(),
  early_stop_epoch: z.int().nullable().optional(),
  best_mean_valid_auc: z.number().optional(),
  smallest_abs_valid_gate_logit: z.number().optional(),
});
type Claims = z.output<typeof claimsSchema>;

export async function checkPipeline(fixture: Fixture, checks: Checks): Promise<void> {
  readTolerances(fixture.entry('tolerance')); // for single steps; the constants above are for many steps
  const claims = parse(
    claimsSchema,
    Object.fromEntries(Object.keys(claimsSchema.shape).map((key) => [key, fixture.entry(key)])),
  );
  const reference = readReferenceModel(fixture);
  const training = parse(trainingSchema, reference.config);
  const best = await nearestReading(fixture, training, async (runOn) => {
    const own = new Checks();
    const folder = mkdtempSync(join(tmpdir(), 'tributary-parity-'));
    try {
      const trace = await trainFixture(fixture, reference, training, folder, runOn);
      checkEpochs(fixture, own, claims, training, trace, reference);
      checkWeights(fixture, own, reference, trace);
      await checkScores(fixture, own, claims, reference, trace);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return own;
  });
  checks.include(best);
}

/**
 * The last batch of an epoch, if the rows do not fill it: short, as the fixtures say, or filled with the first validation rows, as in a
 * reference that slices one array of training and validation rows. The losses show which.
 */
async function nearestReading(
  fixture: Fixture,
  { batch }: TrainingEntries,
  check: (runOn: number) => Promise<Checks>,
): Promise<Checks> {
  const short = await check(0);
  const [train, valid] = ['train', 'valid'].map((part) => fixture.tensor(`input.${part}.ids`).shape[0]);
  const runOn = Math.min((batch - (train % batch)) % batch, valid);
  if (short.failed === 0 || runOn === 0) return short;
  const filled = await check(runOn);
  filled.note = `the last batch of an epoch is filled up with ${runOn} validation rows`;
  return filled.failed < short.failed ? filled : short;
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new NotUnderstood(z.prettifyError(parsed.error));
  return parsed.data;
}

/** Losses of every step, AUC of every epoch and cell, temperatures, and when it stopped. */
function checkEpochs(
  fixture: Fixture,
  checks: Checks,
  claims: Claims,
  training: TrainingEntries,
  trace: TrainingTrace,
  { sizes }: ReferenceModel,
): void {
  for (const phase of ['search', 'retrain'] as const) {
    const epochs = trace.epochs.filter((epoch) => epoch.phase === phase);
    const areas = epochs.flatMap(({ validation }) => validation.cells.map(({ auc }) => numberOf(auc) ?? Number.NaN));
    checks.close(`output.${phase}_losses`, trace.losses[phase], fixture.floats(`output.${phase}_losses`), LOSS);
    const shape = [epochs.length, sizes.scenarios, sizes.tasks];
    checks.equal(`epochs of ${phase}`, epochs.length, fixture.tensor(`output.${phase}_valid_auc`).shape[0]);
    if (fixture.tensor(`output.${phase}_valid_auc`).shape.join() === shape.join())
      checks.close(`output.${phase}_valid_auc`, areas, fixture.floats(`output.${phase}_valid_auc`, shape), MANY_STEPS);
  }
  const retrained = trace.epochs.filter((epoch) => epoch.phase === 'retrain');
  const stopped = retrained.at(-1)?.best === false ? retrained.length - 1 : null;
  if (claims.early_stop_epoch !== undefined) checks.equal('early_stop_epoch', stopped, claims.early_stop_epoch);
  if (stopped === null) checks.equal('epochs of retrain without a stop', retrained.length, training.max_epochs);
  const best = Math.max(...retrained.map(({ monitor }) => monitor ?? Number.NaN));
  if (claims.best_mean_valid_auc !== undefined)
    checks.number('best_mean_valid_auc', best, claims.best_mean_valid_auc, MANY_STEPS);
  const { temperatures_per_search_epoch: temperatures } = claims;
  if (temperatures !== undefined)
    checks.close(
      'temperatures_per_search_epoch',
      trace.epochs.flatMap(({ temperature }) => temperature ?? []),
      temperatures,
      { rtol: 1e-9, atol: 0 },
    );
}

/** The weights at four points of the training. */
function checkWeights(fixture: Fixture, checks: Checks, reference: ReferenceModel, trace: TrainingTrace): void {
  const { layout, dimension, tableRows } = reference;
  for (const [moment, weights] of Object.entries(trace.weights) as [Moment, Snapshot][]) {
    for (const tensor of reference.tensors) {
      const name = `${moment}.${tensor.name}`;
      closeButFew(
        checks,
        name,
        arranged(tensor, weights.get(tensor.parameter) ?? []),
        fixture.floats(name, tensor.shape),
      );
    }
    const table = (ours: string): Float32Array =>
      trace.rows.toReference(weights.get(ours) ?? new Float32Array(), dimension, tableRows);
    const shape = [tableRows, dimension];
    closeButFew(
      checks,
      `${moment}.${layout.table}`,
      table('embedding'),
      fixture.floats(`${moment}.${layout.table}`, shape),
    );
    if (layout.gateTable === undefined) continue;
    const name = `${moment}.${layout.gateTable}`;
    const before = fixture.floats(`param.${layout.gateTable}`, shape);
    // Nothing reads this table before retraining, and ours is empty until then: the reference's must be unchanged.
    if (moment === 'rewind' || moment === 'search_final')
      checks.close(name, before, fixture.floats(name, shape), EXACT);
    else closeButFew(checks, name, table('gateEmbedding'), fixture.floats(name, shape));
  }
}

/** All elements except a few with gradients of the size of rounding errors. */
function closeButFew(checks: Checks, name: string, found: Float32Array, expected: Float32Array): void {
  const allowed = Math.floor(expected.length * ELEMENTS_THAT_MAY_DIFFER);
  const errors = Array.from(expected, (value, i) => Math.abs(found[i] - value));
  const limit = errors.toSorted((a, b) => b - a)[allowed];
  checks.close(name, found, expected, MANY_STEPS, (i) => !(errors[i] > limit));
}

/** Gates and logits of the validation rows, by the finished model. */
async function checkScores(
  fixture: Fixture,
  checks: Checks,
  claims: Claims,
  reference: ReferenceModel,
  trace: TrainingTrace,
): Promise<void> {
  const { gates, logits } = await scoreValidation(reference, trace);
  const size = fixture.tensor('input.valid.ids').shape[0];
  const { tasks } = reference.sizes;
  const shape = [size, tasks, reference.model.flowSelection?.flows.length ?? 0];
  checks.close('output.valid_gate_logits', gates.logits, fixture.floats('output.valid_gate_logits', shape), MANY_STEPS);
  const hard = fixture.floats('output.valid_hard_gates', shape);
  const differing = hard.filter((gate, i) => gates.hard[i] !== gate).length;
  checks.record(
    differing / hard.length / GATES_THAT_MAY_DIFFER,
    `output.valid_hard_gates: ${differing} of ${hard.length} differ`,
  );
  checks.close('output.valid_logits', logits, fixture.floats('output.valid_logits', [size, tasks]), MANY_STEPS);
  if (claims.smallest_abs_valid_gate_logit !== undefined)
    checks.number(
      'smallest_abs_valid_gate_logit',
      smallestSize(gates.logits),
      claims.smallest_abs_valid_gate_logit,
      MANY_STEPS,
    );
}
