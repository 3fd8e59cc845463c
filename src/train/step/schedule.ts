/** Numbers that change while a run goes on, as pure functions of where it is. */
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

/** Where a run stands in a phase: the epoch (from 0), steps done, and steps of an epoch. */
export interface PhasePosition {
  epoch: number;
  step: number;
  stepsPerEpoch: number;
}

/** The numbers that graphs are fed at a place of a phase: the temperature of soft gates, and what the model asks for. */
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
