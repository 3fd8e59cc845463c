/** Starting points: partial run configurations by name. */

/** The authors' hyper-parameters for ML-1M: their Adam with dense table updates, stored row order, 10 + up to 50 epochs. */
const ML_1M = {
  model: { embeddingDim: 16, mlpDims: [1024, 512, 256], loraRank: 2, dropout: 0, gatePenalty: 0 },
  train: {
    batchSize: 4096,
    optimizer: 'adam',
    learningRate: 3e-4,
    l2: 3e-5,
    groups: { gate: { learningRateScale: 0.01, l2: 0 } },
    tableUpdates: 'dense',
    shuffle: false,
    searchEpochs: 10,
    rewindEpoch: 9,
    finalTemperature: 100,
    maxEpochs: 50,
    patience: 1,
    retrain: { learningRate: 1e-4, l2: 3e-4 },
  },
};

/**
 * Our own for ML-1M, found on validation rows alone: a network a quarter as wide, rows in a new order each epoch, a faster
 * retraining with more L2.
 */
const ML_1M_FAST = {
  model: { ...ML_1M.model, mlpDims: [256, 128, 64] },
  train: {
    ...ML_1M.train,
    learningRate: 1e-3,
    shuffle: true,
    searchEpochs: 3,
    rewindEpoch: 2,
    maxEpochs: 60,
    patience: 3,
    retrain: { learningRate: 7e-4, l2: 5e-4 },
  },
};

/** A minute on the synthetic world. */
const DEMO = {
  model: { embeddingDim: 8, mlpDims: [64, 32, 16], loraRank: 4 },
  train: {
    batchSize: 512,
    learningRate: 2e-3,
    l2: 1e-6,
    groups: { gate: { learningRateScale: 0.1, l2: 0 } },
    searchEpochs: 4,
    finalTemperature: 20,
    maxEpochs: 8,
    retrain: { learningRate: 1e-3 },
  },
};

export const AUTOIFS_PRESETS: Record<string, Record<string, unknown>> = {
  'ml-1m': ML_1M,
  'ml-1m-fast': ML_1M_FAST,
  demo: DEMO,
};
