/** Scheduled numbers, as pure functions of the position in a run. */
import type { PhasePlan } from '../phases/phases.ts';
import type { Setup } from '../run/setup.ts';

export type Schedule =
  | { kind: 'constant' }
  | { kind: 'warmup'; steps: number }
  | { kind: 'cosine'; warmupSteps: number; finalShare: number };

/** Share of the learning rate at a step (from 1) of `total`: 1 for a constant schedule. */
export function learningRateShare(schedule: Schedule, step: number, total: number): number {
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'warmup':
      return Math.min(1, step / schedule.steps);
    case 'cosine': {
      if (step <= schedule.warmupSteps) return step / schedule.warmupSteps;
      const done = (step - schedule.warmupSteps) / Math.max(1, total - schedule.warmupSteps);
      const wave = (1 + Math.cos(Math.PI * Math.min(1, done))) / 2;
      return schedule.finalShare + (1 - schedule.finalShare) * wave;
    }
  }
}

/** Temperature of the soft gates in a search epoch (from 0): 1, rising by equal factors to `final` in the last epoch. */
const temperature = (epoch: number, epochs: number, final: number): number =>
  epochs === 1 ? 1 : final ** (epoch / (epochs - 1));

/** Position in a phase: the epoch (from 0), steps done, and steps per epoch. */
export interface PhasePosition {
  epoch: number;
  step: number;
  stepsPerEpoch: number;
}

/** Scalar inputs of the graphs at a position in a phase: the temperature of soft gates, and the model's schedules. */
export function scalarsAt(
  { model, options, config }: Pick<Setup, 'model' | 'options' | 'config'>,
  plan: PhasePlan,
  { epoch, step, stepsPerEpoch }: PhasePosition,
): Record<string, number> {
  return {
    temperature: temperature(epoch, plan.epochs, config.train.finalTemperature),
    ...model.scalars?.(options, { step, steps: plan.epochs * stepsPerEpoch }),
  };
}
