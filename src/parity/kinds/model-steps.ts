/** The training step of a model fixture: loss, gradients, and the parameters after three optimiser steps. */

import { clearMoments } from '../../train/step/initialize.ts';
import type { OptimizerOptions } from '../../train/step/optimizer.ts';
import { trainStep } from '../../train/step/step.ts';
import { NotUnderstood } from '../fixture.ts';
import { tableNames } from '../reference-model.ts';
import { EXACT } from '../tolerance.ts';
import { type ModelCase, STEPS } from './model-case.ts';

/** An optimiser run. */
export interface Schedule {
  /** Prefix of the tensors that hold the outcome; none for a fixture with gradients alone. */
  name: 'adam3' | 'adam3_groups' | undefined;
  learningRate: number;
  l2: number;
  groups: OptimizerOptions['groups'];
}

/** The optimiser runs that a fixture carries. */
export function schedules({ fixture, claims }: Pick<ModelCase, 'fixture' | 'claims'>): Schedule[] {
  const plain = { learningRate: 1e-3, l2: 0, groups: {} };
  const found: Schedule[] = [];
  if (fixture.names('adam3.').length > 0 || claims.losses_before_each_adam3_step !== undefined)
    found.push({ name: 'adam3', ...plain });
  if (fixture.names('adam3_groups.').length > 0) {
    if (claims.optimiser_groups === undefined) throw new NotUnderstood('it has adam3_groups.* but no optimiser_groups');
    const { weights, gates } = claims.optimiser_groups;
    const gate = { learningRateScale: gates === null ? 0 : gates.lr / weights.lr, l2: gates?.weight_decay ?? 0 };
    found.push({ name: 'adam3_groups', learningRate: weights.lr, l2: weights.weight_decay, groups: { gate } });
  }
  return found.length > 0 ? found : [{ name: undefined, ...plain }];
}

/** Loss and gradients of the first step, the losses of all, the parameters after the last. */
export async function checkSteps(one: ModelCase, schedule: Schedule): Promise<void> {
  const { fixture, claims, tolerance, checks, subject, gates } = one;
  const { name, learningRate, l2, groups } = schedule;
  const { batch, scalars } = subject;
  subject.loadParameters();
  clearMoments(subject.weights);
  const context = subject.stepContext({ l2, groups });
  const fillGates = gates && ((_: unknown, out: Float32Array) => out.set(gates.fed));
  for (let step = 1; step <= (name === undefined ? 1 : STEPS); step++) {
    const { fillNoise } = subject;
    const losses = await trainStep(context, { batch, step, epoch: 0, learningRate, scalars, fillGates, fillNoise });
    const loss = losses.tasks.reduce((sum, task) => sum + task, losses.penalty);
    const before = name === 'adam3' ? claims.losses_before_each_adam3_step?.[step - 1] : undefined;
    if (before !== undefined)
      checks.number(`losses_before_each_adam3_step[${step - 1}]`, loss, before, tolerance('output.loss'));
    if (step > 1) continue;
    checks.number('output.loss', loss, fixture.floats('output.loss', [])[0], tolerance('output.loss'));
    checkGradients(one);
    checkBuffers(one);
  }
  if (name !== undefined && fixture.names(`${name}.`).length > 0) checkParameters(one, name, l2);
}

function checkGradients({ fixture, claims, tolerance, checks, subject }: ModelCase): void {
  if (fixture.names('grad.').length === 0) return;
  const none = claims.no_gradient;
  const gradients = subject.gradients();
  for (const { name, shape } of subject.unused())
    checks.close(`grad.${name}`, fixture.floats(`grad.${name}`, shape), new Float32Array(size(shape)), EXACT);
  const unknown = none.filter((name) => !gradients.has(name));
  if (unknown.length > 0)
    throw new NotUnderstood(`no_gradient names ${unknown.join(', ')}, which the model does not have`);
  for (const [name, found] of gradients) {
    const full = `grad.${name}`;
    const expected = fixture.floats(full, fixture.tensor(name.startsWith('input.') ? name : `param.${name}`).shape);
    checks.close(full, found, expected, none.includes(name) ? EXACT : tolerance(full));
    if (none.includes(name)) checks.close(`${full} is none`, found, new Float32Array(found.length), EXACT);
  }
}

/** Moving averages and the like after one step; a fixture in evaluation form has none to compare. */
function checkBuffers({ fixture, tolerance, checks, subject }: ModelCase): void {
  for (const [name, found] of subject.buffersAfter())
    if (fixture.tensors.has(name)) checks.close(name, found, fixture.floats(name), tolerance('output'));
}

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/**
 * Where a gradient is mere rounding noise Adam's step is, too: the tolerance says below which size. What is exact is
 * held exactly: parameters without a gradient stay, and so do table rows that the batch does not touch, unless L2 moves
 * them; then they are compared like all others.
 */
function checkParameters({ fixture, claims, tolerance, checks, subject }: ModelCase, kind: string, l2: number): void {
  const [table] = tableNames(subject.reference);
  const { dimension } = subject.reference;
  const { ids, sequences = [] } = subject.batch;
  const touched = new Set([...ids, ...sequences]);
  for (const [name, found] of subject.values()) {
    const full = `${kind}.${name}`;
    const before = fixture.floats(`param.${name}`);
    const expected = fixture.floats(full, fixture.tensor(`param.${name}`).shape);
    if (claims.no_gradient.includes(name)) {
      checks.close(`${full} stays`, found, before, EXACT);
      checks.close(full, found, expected, EXACT);
      continue;
    }
    const gradient = fixture.floats(`grad.${name}`);
    const untouched = (i: number): boolean => name === table && !touched.has(Math.floor(i / dimension));
    const moving = (i: number): number => Math.abs(untouched(i) ? l2 * before[i] : gradient[i]);
    const close = tolerance(full);
    checks.close(full, found, expected, close, (i) => moving(i) >= (close.leastGradient ?? 0));
    if (name !== table || l2 !== 0) continue;
    checks.close(`${full} untouched rows`, found, before, EXACT, untouched);
    checks.close(`${full} untouched rows`, found, expected, EXACT, untouched);
  }
}
