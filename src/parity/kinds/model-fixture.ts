/**
 * Runs one batch through a model and compares outputs, loss, every gradient and three optimiser steps with the reference's numbers. Uses
 * the product's graphs, kernels and training step.
 *
 *   input.ids [B,F], input.scenario [B], input.labels [B,T]   param.<name>   output.<name>   grad.<name>
 *   adam3.<name>          after three steps of one Adam (learning rate 1e-3, no decay) over all parameters that learn
 *   adam3_groups.<name>   after three steps with the groups of `optimiser_groups`
 */
import type { Phase } from '../../model/contract.ts';
import type { Checks } from '../checks.ts';
import { type Fixture, NotUnderstood } from '../fixture.ts';
import { readReferenceModel } from '../reference-model.ts';
import { openSubject } from '../subject.ts';
import { EXACT, readTolerances } from '../tolerance.ts';
import { gateRates, smallestSize } from './flow-gates.ts';
import { type Claims, type ModelCase, readClaims } from './model-case.ts';
import { checkSteps, schedules } from './model-steps.ts';
import { checkNoise, checkSelection } from './selection.ts';

export const isModelFixture = (fixture: Fixture): boolean => fixture.has('model');

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

/** `search`: flow gates are soft. `ticket`: they are hard and frozen. */
function phaseOf(selectsFlows: boolean, mode: unknown): Phase {
  if (!selectsFlows && mode === undefined) return 'train';
  if (selectsFlows && mode === 'search') return 'search';
  if (selectsFlows && mode === 'ticket') return 'retrain';
  const expected = selectsFlows ? '"search" or "ticket"' : 'none';
  throw new NotUnderstood(`mode is ${JSON.stringify(mode)}, expected ${expected}`);
}

/** Every output of the fixture except the loss, which the training graph computes; then the claims about gates. */
async function checkOutputs(one: ModelCase): Promise<void> {
  const { fixture, claims, tolerance, checks, subject, gates } = one;
  const found = await subject.outputs(gates);
  if (gates !== undefined) found.set('gate_logits', gates.logits); // from the gate network, which is a separate graph there
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

/** Numbers of parameters and rows per scenario, as claimed by the JSON file. */
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
