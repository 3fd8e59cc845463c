/**
 * One batch through a model: outputs, loss, every gradient, and three optimiser steps, with the product's own graphs,
 * kernels and training step, against the reference's numbers.
 *
 *   input.ids [B,F], input.scenario [B], input.labels [B,T]   param.<name>   output.<name>   grad.<name>
 *   adam3.<name>          after three steps of one Adam (learning rate 1e-3, no decay) over all that learns
 *   adam3_groups.<name>   after three steps with the groups of `optimiser_groups`
 */
import { z } from 'zod';
import type { Phase } from '../model/contract.ts';
import type { OptimizerOptions } from '../train/optimizer.ts';
import { trainStep } from '../train/step.ts';
import { clearMoments } from '../train/weights.ts';
import type { Checks } from './checks.ts';
import { type Fixture, NotUnderstood } from './fixture.ts';
import { type FlowGates, gateRates, smallestSize } from './flow-gates.ts';
import { readReferenceModel, tableNames } from './reference-model.ts';
import { openSubject, type Subject } from './subject.ts';
import { EXACT, readTolerances, type Tolerances } from './tolerance.ts';

export const isModelFixture = (fixture: Fixture): boolean => fixture.has('model');

const STEPS = 3;

export async function checkModel(fixture: Fixture, checks: Checks): Promise<void> {
  const tolerance = readTolerances(fixture.entry('tolerance'));
  const claims = readClaims(fixture);
  const reference = readReferenceModel(fixture);
  const phase = phaseOf(reference.model.flowSelection !== undefined, reference.mode);
  const scalars: Record<string, number> =
    typeof reference.temperature === 'number' ? { temperature: reference.temperature } : {};
  const subject = await openSubject(fixture, reference, phase, scalars);
  try {
    const gates = await checkOutputs(fixture, checks, tolerance, subject);
    checkGateClaims(claims, checks, tolerance, subject, gates);
    for (const schedule of schedules(fixture, claims))
      await checkSteps(fixture, checks, tolerance, subject, schedule, claims, gates);
  } finally {
    await subject.close();
  }
}

const group = z.strictObject({ lr: z.number(), weight_decay: z.number(), members: z.string().optional() });
const claimsSchema = z.object({
  losses_before_each_adam3_step: z.array(z.number()).length(STEPS).optional(),
  gate_rate: z.array(z.array(z.number())).optional(),
  smallest_abs_gate_logit: z.number().optional(),
  no_gradient: z.array(z.string()).default([]),
  optimiser_groups: z
    .strictObject({ weights: group, gates: group.nullable(), weight_decay: z.string().optional() })
    .optional(),
});

/** What the JSON file itself says about the numbers. */
type Claims = z.output<typeof claimsSchema>;

function readClaims(fixture: Fixture): Claims {
  const found = Object.fromEntries(Object.keys(claimsSchema.shape).map((key) => [key, fixture.entry(key)]));
  const parsed = claimsSchema.safeParse(found);
  if (!parsed.success) throw new NotUnderstood(z.prettifyError(parsed.error));
  return parsed.data;
}

/** `search`: flow gates are soft. `ticket`: they are hard and frozen. */
function phaseOf(selectsFlows: boolean, mode: unknown): Phase {
  if (!selectsFlows && mode === undefined) return 'train';
  if (selectsFlows && mode === 'search') return 'search';
  if (selectsFlows && mode === 'ticket') return 'retrain';
  throw new NotUnderstood(
    `mode is ${JSON.stringify(mode)}, expected ${selectsFlows ? '"search" or "ticket"' : 'none'}`,
  );
}

/** Every output of the fixture but the loss, which the training graph computes. Returns the hard gates where they are fed. */
async function checkOutputs(
  fixture: Fixture,
  checks: Checks,
  tolerance: Tolerances,
  subject: Subject,
): Promise<FlowGates | undefined> {
  const gates = await subject.flowGates();
  const found = await subject.outputs(gates?.fed);
  if (gates !== undefined) found.set('gate_logits', gates.logits);
  fixture.tensor('output.logits');
  for (const name of fixture.names('output.')) {
    const numbers = found.get(name.slice('output.'.length));
    if (numbers === undefined || name === 'output.loss') continue;
    const { data, dtype } = fixture.tensor(name);
    checks.close(name, numbers, Array.from(data, Number), dtype === 'I32' || dtype === 'I64' ? EXACT : tolerance(name));
  }
  return gates;
}

function checkGateClaims(
  claims: Claims,
  checks: Checks,
  tolerance: Tolerances,
  subject: Subject,
  gates: FlowGates | undefined,
): void {
  const flows = subject.reference.model.flowSelection?.flows.length ?? 0;
  const { tasks } = subject.reference.sizes;
  const soft = subject.found;
  if (claims.gate_rate !== undefined) {
    const rates = gateRates(gates?.hard ?? soft.get('gates') ?? [], tasks, flows);
    checks.close('gate_rate', rates, claims.gate_rate.flat(), tolerance('output.gates'));
  }
  if (claims.smallest_abs_gate_logit !== undefined) {
    const smallest = smallestSize(gates?.logits ?? soft.get('gate_logits') ?? []);
    checks.number('smallest_abs_gate_logit', smallest, claims.smallest_abs_gate_logit, tolerance('output.gate_logits'));
  }
}

interface Schedule {
  /** Prefix of the tensors that hold the outcome; none for a fixture with gradients alone. */
  name: 'adam3' | 'adam3_groups' | undefined;
  learningRate: number;
  l2: number;
  groups: OptimizerOptions['groups'];
}

/** The optimiser runs that the fixture carries. */
function schedules(
  fixture: Fixture,
  { optimiser_groups: groups, losses_before_each_adam3_step: losses }: Claims,
): Schedule[] {
  const plain: Omit<Schedule, 'name'> = { learningRate: 1e-3, l2: 0, groups: {} };
  const found: Schedule[] = [];
  if (fixture.names('adam3.').length > 0 || losses !== undefined) found.push({ name: 'adam3', ...plain });
  if (fixture.names('adam3_groups.').length > 0) {
    if (groups === undefined) throw new NotUnderstood('it has adam3_groups.* but no optimiser_groups');
    const { weights, gates } = groups;
    const gate = { learningRateScale: gates === null ? 0 : gates.lr / weights.lr, l2: gates?.weight_decay ?? 0 };
    found.push({ name: 'adam3_groups', learningRate: weights.lr, l2: weights.weight_decay, groups: { gate } });
  }
  return found.length > 0 ? found : [{ name: undefined, ...plain }];
}

/** Loss and gradients of the first step, the losses of all, the parameters after the last. */
async function checkSteps(
  fixture: Fixture,
  checks: Checks,
  tolerance: Tolerances,
  subject: Subject,
  schedule: Schedule,
  claims: Claims,
  gates: FlowGates | undefined,
): Promise<void> {
  const { name, learningRate, l2, groups } = schedule;
  subject.loadParameters();
  clearMoments(subject.weights);
  const context = subject.stepContext({ l2, groups });
  const fillGates = gates && ((_: unknown, out: Float32Array) => out.set(gates.fed));
  for (let step = 1; step <= (name === undefined ? 1 : STEPS); step++) {
    const { batch, scalars } = subject;
    const losses = await trainStep(context, { batch, step, epoch: 0, learningRate, scalars, fillGates });
    const loss = losses.tasks.reduce((sum, task) => sum + task, losses.penalty);
    const expected = claims.losses_before_each_adam3_step?.[step - 1];
    if (name === 'adam3' && expected !== undefined)
      checks.number(`losses_before_each_adam3_step[${step - 1}]`, loss, expected, tolerance('output.loss'));
    if (step > 1) continue;
    checks.number('output.loss', loss, fixture.floats('output.loss', [])[0], tolerance('output.loss'));
    checkGradients(fixture, checks, tolerance, subject, claims);
  }
  if (name !== undefined && fixture.names(`${name}.`).length > 0)
    checkParameters(fixture, checks, tolerance, subject, { ...schedule, name }, claims);
}

function checkGradients(
  fixture: Fixture,
  checks: Checks,
  tolerance: Tolerances,
  subject: Subject,
  { no_gradient: none }: Claims,
): void {
  if (fixture.names('grad.').length === 0) return;
  const gradients = subject.gradients();
  for (const [name, numbers] of gradients) {
    const expected = fixture.floats(`grad.${name}`, fixture.tensor(`param.${name}`).shape);
    checks.close(`grad.${name}`, numbers, expected, none.includes(name) ? EXACT : tolerance(`grad.${name}`));
  }
  const unknown = none.filter((name) => !gradients.has(name));
  if (unknown.length > 0)
    throw new NotUnderstood(`no_gradient names ${unknown.join(', ')}, which the model does not have`);
  for (const name of none)
    checks.close(
      `no gradient of ${name}`,
      gradients.get(name) as Float32Array,
      new Float32Array(fixture.floats(`grad.${name}`).length),
      EXACT,
    );
}

/**
 * Where a gradient is mere rounding noise Adam's step is, too: the tolerance says below which size. What is exact is
 * held exactly: parameters without a gradient stay, and so do table rows that the batch does not touch, unless L2 moves
 * them; then they are compared like all others.
 */
function checkParameters(
  fixture: Fixture,
  checks: Checks,
  tolerance: Tolerances,
  subject: Subject,
  { name: kind, l2 }: Schedule & { name: string },
  { no_gradient: none }: Claims,
): void {
  const [table] = tableNames(subject.reference);
  const dimension = subject.reference.options.embeddingDim;
  const touched = new Set(subject.batch.ids);
  for (const [name, numbers] of subject.values()) {
    const full = `${kind}.${name}`;
    const before = fixture.floats(`param.${name}`);
    const expected = fixture.floats(full, fixture.tensor(`param.${name}`).shape);
    if (none.includes(name)) {
      checks.close(`${full} stays`, numbers, before, EXACT);
      checks.close(full, numbers, expected, EXACT);
      continue;
    }
    const close = tolerance(full);
    const least = close.leastGradient ?? 0;
    const gradient = fixture.floats(`grad.${name}`);
    const untouched = (i: number): boolean => name === table && !touched.has(Math.floor(i / dimension));
    checks.close(full, numbers, expected, close, (i) => Math.abs(untouched(i) ? l2 * before[i] : gradient[i]) >= least);
    if (name !== table || l2 !== 0) continue;
    checks.close(`${full} untouched rows`, numbers, before, EXACT, untouched);
    checks.close(`${full} untouched rows`, numbers, expected, EXACT, untouched);
  }
}
