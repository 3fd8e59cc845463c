/**
 * Optimisers work outside the graph, in place. Dense parameters are updated group by group. The embedding table is updated
 *
 *   lazily (default)  only rows of this batch are updated: an absent row has no L2 or weight decay, and its moments stay as they are.
 *   densely           every row is updated at every step, as AutoIFS' authors do: momentum and L2 also move absent rows.
 *
 * Adam follows PyTorch (epsilon outside the square root). `l2` is coupled: added to the gradient before the moments.
 */

import type { Weights } from '../../inference/arena/weights.ts';
import type { AdamStep, Kernels, Region } from '../../kernels/index.ts';
import type { RowGradients, TableSizes, TableStep } from '../../tables/contract.ts';

export interface OptimizerOptions {
  optimizer: 'adam' | 'adamw' | 'sgd';
  l2: number;
  weightDecay: number;
  momentum: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  groups: Record<string, { learningRateScale?: number; l2?: number; weightDecay?: number }>;
  tableUpdates: 'lazy' | 'dense';
}

/** Gradients of the trainable parameters: a prefix of the flat vector. */
export interface DenseGradients {
  dense: Region;
  denseLength: number;
}

/** Gradients of one step. */
export interface Gradients extends DenseGradients, RowGradients {}

/** Number of moment vectors of an optimiser. */
export const momentCount = ({ optimizer, momentum }: OptimizerOptions): 0 | 1 | 2 =>
  optimizer === 'sgd' ? (momentum > 0 ? 1 : 0) : 2;

/** One step on all trainable parameters except the group `apart`. `step` counts from 1 within a phase. */
export function update(
  kernels: Kernels,
  weights: Weights,
  gradients: Gradients,
  options: OptimizerOptions,
  at: At,
  apart?: string,
): void {
  for (const range of groupRanges(weights, gradients.denseLength))
    if (range.group !== apart) applyDense(kernels, weights, gradients, options, at, range);
  weights.tables.update(gradients, tableStep(options, at));
}

/** One step on the parameters of one group. `step` counts the steps of the group. */
export function updateGroup(
  kernels: Kernels,
  weights: Weights,
  gradients: DenseGradients,
  options: OptimizerOptions,
  at: At,
  group: string,
): void {
  for (const range of groupRanges(weights, gradients.denseLength))
    if (range.group === group) applyDense(kernels, weights, gradients, options, at, range);
}

interface GroupSettings {
  scale: number;
  l2: number;
  weightDecay: number;
}

function groupSettings(options: OptimizerOptions, group: string): GroupSettings {
  const own = options.groups[group] ?? {};
  return {
    scale: own.learningRateScale ?? 1,
    l2: own.l2 ?? options.l2,
    weightDecay: own.weightDecay ?? options.weightDecay,
  };
}

interface GroupRange {
  group: string;
  from: number;
  to: number;
}

/** Ranges of the flat vector, one per optimiser group that learns in this phase. */
export function groupRanges(weights: Weights, trainable: number): GroupRange[] {
  const ranges: GroupRange[] = [];
  for (const spec of weights.specs) {
    const { from, to } = weights.range.get(spec.name) as { from: number; to: number };
    if (to > trainable) break;
    const last = ranges.at(-1);
    if (last?.group === spec.group) last.to = to;
    else ranges.push({ group: spec.group, from, to });
  }
  return ranges;
}

type At = { step: number; learningRate: number; gradientScale: number };

const adamStep = (options: OptimizerOptions, { scale, l2, weightDecay }: GroupSettings, at: At): AdamStep => ({
  learningRate: at.learningRate * scale,
  beta1: options.beta1,
  beta2: options.beta2,
  epsilon: options.epsilon,
  l2: options.optimizer === 'adam' ? l2 : 0,
  weightDecay: options.optimizer === 'adamw' ? weightDecay : 0,
  step: at.step,
  gradientScale: at.gradientScale,
});

function applyDense(
  kernels: Kernels,
  weights: Weights,
  { dense: gradient }: DenseGradients,
  options: OptimizerOptions,
  at: At,
  { group, from, to }: GroupRange,
): void {
  const { dense: parameter, denseMoments: moments } = weights;
  const settings = groupSettings(options, group);
  if (options.optimizer === 'sgd') {
    const step = {
      learningRate: at.learningRate * settings.scale,
      momentum: options.momentum,
      l2: settings.l2,
      gradientScale: at.gradientScale,
    };
    kernels.sgd({ parameter, gradient, velocity: moments[0], from, to }, step);
  } else {
    kernels.adam(
      { parameter, gradient, first: moments[0], second: moments[1], from, to },
      adamStep(options, settings, at),
    );
  }
}

/** The table belongs to the group `weight`. SGD has no momentum on lazily updated rows: an absent row has no velocity. */
function tableStep(options: OptimizerOptions, at: At): TableStep {
  const settings = groupSettings(options, 'weight');
  if (options.optimizer !== 'sgd') return { optimizer: 'adam', ...adamStep(options, settings, at) };
  const { learningRate, gradientScale } = at;
  return { optimizer: 'sgd', learningRate, momentum: options.momentum, l2: settings.l2, gradientScale };
}

/** How a store must be opened for an optimiser. `batchRows`: max distinct rows of a batch. */
export const tableUpdates = (
  { optimizer, tableUpdates }: Pick<OptimizerOptions, 'optimizer' | 'tableUpdates'>,
  batchRows: number,
): TableSizes['updates'] => ({
  dense: tableUpdates === 'dense',
  optimizer: optimizer === 'sgd' ? 'sgd' : 'adam',
  batchRows,
});
