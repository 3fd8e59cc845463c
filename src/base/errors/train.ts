import { EXIT, entry } from './entry.ts';

export const TRAIN_ERRORS = {
  MODEL_UNKNOWN: entry(
    EXIT.usage,
    400,
    (d: { key: string; known: string[] }) => `there is no model "${d.key}". Models: ${d.known.join(', ')}`,
  ),

  WARM_START_MISMATCH: entry(
    EXIT.usage,
    400,
    (d: { run: string; problems: string[] }) =>
      `cannot go on from the weights of ${d.run}:\n${d.problems.map((p) => `  ${p}`).join('\n')}\nUse the same model and options on data with the same fields, scenarios and tasks`,
  ),
  LOSS_NOT_FINITE: entry(
    EXIT.training,
    500,
    (d: { phase: string; step: number; epoch: number; task: string; learningRate: number; largestGradient: string }) =>
      `the loss of task "${d.task}" is not finite at step ${d.step} (phase ${d.phase}, epoch ${d.epoch}); ` +
      `last learning rate ${d.learningRate}, largest gradient ${d.largestGradient}. ` +
      'Try a lower train.learningRate or train.clipNorm. The last good checkpoint is kept',
  ),
} as const;
