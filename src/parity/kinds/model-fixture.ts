/**
 * One batch through a model: outputs, loss, every gradient, and three optimiser steps, with the product's own graphs,
 * kernels and training step, against the reference's numbers.
 *
 *   input.ids [B,F], input.scenario [B], input.labels [B,T]   param.<name>   output.<name>   grad.<name>
 *   adam3.<name>          after three steps of one Adam (learning rate 1e-3, no decay) over all that learns
 *   adam3_groups.<name>   after three steps with the groups of `optimiser_groups`
 */
import { z } from 'zod';
import type { Phase } from '../../model/contract.ts';
import type { Checks } from '../checks.ts';
import { type Fixture, NotUnderstood } from '../fixture.ts';
import { readReferenceModel } from '../reference-model.ts';
import { openSubject, type Subject } from '../subject.ts';
import { EXACT, readTolerances, type Tolerances } from '../tolerance.ts';
import { type FlowGates, gateRates, smallestSize } from './flow-gates.ts';
import { checkSteps, STEPS, schedules } from './model-steps.ts';
import { checkNoise, checkSelection } from './selection.ts';

export const isModelFixture = (fixture: Fixture): boolean => fixture.has('model');

/** What the checks of a fixture share. */
export interface ModelCase {
  fixture: Fixture;
  claims: Claims;
  tolerance: Tolerances;
  checks: Checks;
  subject: Subject;
  /** Where gates are hard and fed. */
  gates: FlowGates | undefined;
}

export async function checkModel(fixture: Fixture, checks: Checks): Promise<void> {
  const tolerance = readTolerances(fixture.entry('tolerance'));
  const claims = readClaims(fixture);
  const reference = readReferenceModel(fixture);
  const phase = phaseOf(reference.model.flowSelection !== undefined, reference.mode);
  const scalars: Record<string, number> = { noise: fixture.names('input.noise.').length > 0 ? 1 : 0 };
  if (typeof reference.temperature === 'number') scalars.temperature = reference.temperature;
  const subject = await openSubject(fixture, reference, { phase, training: claims.train, scalars });
  try {
    const gates = await subject.flowGates();
    const one: ModelCase = { fixture, claims, tolerance, checks, subject, gates };
    await checkOutputs(one);
    for (const schedule of schedules(one)) await checkSteps(one, schedule);
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
  zero_gradients: z.array(z.string()).default([]),
  train: z.boolean().optional(),
  param_count: z.number().optional(),
  scenario_counts: z.array(z.number()).optional(),
  smallest_live_gradient_tensor: z.object({ name: z.string(), max_abs: z.number() }).optional(),
  observed_float32_error: z.unknown(),
  selection_count_histogram_0_1_2: z.record(z.string(), z.array(z.number()).length(3)).optional(),
  rows_where_an_unselected_expert_wins: z.record(z.string(), z.number()).optional(),
  smallest_selection_margin: z.number().optional(),
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
  const expected = selectsFlows ? '"search" or "ticket"' : 'none';
  throw new NotUnderstood(`mode is ${JSON.stringify(mode)}, expected ${expected}`);
}

/** Every output of the fixture but the loss, which the training graph computes; then what its JSON says of the gates. */
async function checkOutputs(one: ModelCase): Promise<void> {
  const { fixture, claims, tolerance, checks, subject, gates } = one;
  const found = await subject.outputs(gates);
  if (gates !== undefined) found.set('gate_logits', gates.logits); // from the gate network, which stands alone there
  for (const name of fixture.names('output.')) {
    const numbers = found.get(name.slice('output.'.length));
    if (numbers === undefined || name === 'output.loss') continue;
    const { data, dtype } = fixture.tensor(name);
    const whole = dtype === 'I32' || dtype === 'I64';
    checks.close(name, numbers, Array.from(data, Number), whole ? EXACT : tolerance(name));
  }
  checkCounts(one, claims);
  checkSelection(one, found);
  checkNoise(one);

  const { gate_rate: rates, smallest_abs_gate_logit: smallest } = claims;
  if (rates !== undefined) {
    const ours = gateRates(found.get('gates') ?? [], rates.length, rates[0].length);
    checks.close('gate_rate', ours, rates.flat(), tolerance('output.gates'));
  }
  if (smallest !== undefined) {
    const ours = smallestSize(found.get('gate_logits') ?? []);
    checks.number('smallest_abs_gate_logit', ours, smallest, tolerance('output.gate_logits'));
  }
}

/** Numbers of parameters and rows per scenario, as the JSON file has them. */
function checkCounts({ fixture, checks, subject }: ModelCase, claims: Claims): void {
  const { param_count: parameters, scenario_counts: rows } = claims;
  const { tensors } = subject.reference;
  if (parameters !== undefined) {
    const all = [...tensors, ...subject.unused()].map(({ shape }) => shape.reduce((product, n) => product * n, 1));
    checks.number(
      'param_count',
      all.reduce((sum, n) => sum + n, 0),
      parameters,
    );
  }
  if (rows !== undefined) {
    const scenario = fixture.ints('input.scenario');
    checks.equal(
      'scenario_counts',
      rows.map((_, s) => scenario.filter((id) => id === s).length),
      rows,
    );
  }
}
