/** The phases of a run, as data for the training loop. */
import type { RunConfig } from '../../config/run.ts';
import type { CommonOptions, ModelDefinition, Phase } from '../../model/contract.ts';

export interface PhasePlan {
  phase: Phase;
  epochs: number;
  learningRate: number;
  l2: number;
  /** Epochs without a better validation value before the phase stops; absent: it runs all its epochs. */
  patience?: number;
  /** Save the weights before this epoch (from 0): retraining starts from them. */
  snapshotBefore?: number;
}

/** Models that select flows search, then retrain from the rewound weights; all others train once. */
export function planPhases(model: ModelDefinition<CommonOptions>, train: RunConfig['train']): PhasePlan[] {
  const { learningRate, l2, maxEpochs, patience, searchEpochs, rewindEpoch, retrain } = train;
  const last = { epochs: maxEpochs, patience };
  if (model.flowSelection === undefined) return [{ phase: 'train', learningRate, l2, ...last }];
  return [
    { phase: 'search', epochs: searchEpochs, learningRate, l2, snapshotBefore: rewindEpoch ?? searchEpochs - 1 },
    { phase: 'retrain', learningRate: retrain.learningRate ?? learningRate, l2: retrain.l2 ?? l2, ...last },
  ];
}
