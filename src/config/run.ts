/** What a training run is: model, training options, seed, backend. The model's own options are checked by its own schema. */
import { z } from 'zod';

const positive = z.number().positive();
const count = z.int().min(1);
const share = z.number().min(0).max(1);
const nonNegative = z.number().min(0);
const names = z.array(z.string()).min(1);

const group = z.strictObject({
  /** The group's learning rate is this times the run's. Default 1. */
  learningRateScale: z.number().min(0).optional(),
  /** Instead of `train.l2`. */
  l2: z.number().min(0).optional(),
  /** Instead of `train.weightDecay`. */
  weightDecay: z.number().min(0).optional(),
});

/** AutoIFS' authors train the gate network a hundred times more slowly, without L2; models without gates have no such group. */
export const DEFAULT_GROUPS = { gate: { learningRateScale: 0.01, l2: 0 } };

const schedule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }),
  z.strictObject({
    kind: z.literal('warmup'),
    /** The learning rate rises linearly from 0 over this many steps, then stays. */
    steps: count,
  }),
  z.strictObject({
    kind: z.literal('cosine'),
    /** Linear rise before the fall. */
    warmupSteps: z.int().min(0).default(0),
    /** Share of the learning rate that is left at the end of the phase. */
    finalShare: share.default(0),
  }),
]);

const taskWeighting = z.discriminatedUnion('kind', [
  /** `taskWeights`, from beginning to end. */
  z.strictObject({ kind: z.literal('fixed') }),
  /** A learned variance per task (Kendall et al. 2018). `groups.weighting` sets the learning rate of the variances. */
  z.strictObject({ kind: z.literal('uncertainty') }),
  z.strictObject({
    /** By how the losses changed between the last two epochs (Liu et al. 2019). */
    kind: z.literal('dwa'),
    /** The larger, the nearer to equal weights. */
    temperature: positive.default(2),
  }),
  z.strictObject({
    /** Gradient norms at the embeddings follow the tasks' relative training rates (Chen et al. 2018). */
    kind: z.literal('gradnorm'),
    /** How strongly tasks are pulled to one training rate; 0: to equal gradient norms. */
    alpha: z.number().min(0).default(1.5),
    /** Of the weights, which Adam updates at every step. */
    learningRate: positive.default(0.01),
  }),
  /** Parts of gradients that work against other tasks are left out (Yu et al. 2020). Takes `taskWeights`, too. */
  z.strictObject({ kind: z.literal('pcgrad') }),
]);

/** Where graphs are computed; embedding tables stay in memory. `auto`: CUDA where its libraries are, else the CPU. */
export const device = z.enum(['cpu', 'webgpu', 'cuda', 'auto']).default('cpu');

const train = z
  .strictObject({
    device,
    /** Rows per step; the last batch of an epoch may be short. */
    batchSize: count.default(4096),
    /** Rows per run of the graph when nothing is learned. */
    evaluationBatchSize: count.default(16384),
    /** `adam` and `sgd` take `l2`, `adamw` takes `weightDecay`. */
    optimizer: z.enum(['adam', 'adamw', 'sgd']).default('adam'),
    learningRate: positive.default(3e-4),
    /** Coupled L2 of adam and sgd: gradient += l2 * parameter before anything else. */
    l2: z.number().min(0).default(3e-5),
    /** Decoupled decay of adamw: parameter -= learningRate * weightDecay * parameter. */
    weightDecay: z.number().min(0).default(0),
    /** Of sgd. */
    momentum: z.number().min(0).lt(1).default(0),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    epsilon: positive.default(1e-8),
    /** What differs for a model's parameter groups, by group name. */
    groups: z.record(z.string(), group).default(DEFAULT_GROUPS),
    /** `lazy` moves only the embedding rows of the batch; `dense` all of them, as the published implementations do. */
    tableUpdates: z.enum(['lazy', 'dense']).default('lazy'),
    /**
     * Over ranks: does each hold the whole table (`replicated`), or its share of the rows (`sharded`)? `auto` shares them where the whole
     * tables of the ranks of a machine, with optimiser state, would take more than half of its memory.
     */
    tables: z.enum(['auto', 'replicated', 'sharded']).default('auto'),
    /**
     * Decay of id embeddings: a row is multiplied by 1 - learningRate * decay at every step, and starts at 0. `auto`: fields with at
     * least 500 levels, each by its reliability; a number: the same for these fields; or a decay for each named field.
     */
    idDecay: z.union([z.enum(['auto', 'off']), nonNegative, z.record(z.string(), nonNegative)]).default('off'),
    /** Standard deviation of the other embeddings at the start. Default: Xavier's uniform rule over the whole table. */
    tableDeviation: positive.optional(),
    /** Share of an exponential moving average of the weights that a step of the last phase keeps; the average is what is validated and kept. 0: none. */
    weightAverage: nonNegative.lt(1).default(0),
    /** Scales the gradient down to this norm where it is larger. Default: no clipping. */
    clipNorm: positive.optional(),
    /** The learning rate over the steps of a phase. */
    schedule: schedule.default({ kind: 'constant' }),
    /** A new order of the rows each epoch, by (seed, epoch); else the stored order each time. */
    shuffle: z.boolean().default(true),
    /** Epochs of the search phase (models that select flows). */
    searchEpochs: count.default(10),
    /** Retraining starts from the weights at the start of this search epoch (from 0). Default: the last, searchEpochs - 1. */
    rewindEpoch: z.int().min(0).optional(),
    /** Gate temperature of the last search epoch; it rises to there from 1 by equal factors. */
    finalTemperature: positive.default(100),
    /** Most epochs of the last (or only) phase. */
    maxEpochs: count.default(50),
    /** Validations of an epoch, at equal distances; the last at its end. */
    validationsPerEpoch: count.default(1),
    /** Validations without a better value before the last phase stops. */
    patience: count.default(1),
    /** What "better" is taken from: its mean over the scenario x task cells of the validation split that count (`evaluate`). */
    monitor: z.enum(['auc', 'logloss']).default('auc'),
    /** Instead of `learningRate` and `l2` in the retrain phase. */
    retrain: z.strictObject({ learningRate: positive.optional(), l2: z.number().min(0).optional() }).default({}),
    /** Learn these scenarios alone, by name: their rows are trained on, watched by early stopping and measured. Default: all. */
    scenarios: names.optional(),
    /** Learn these tasks alone, by name: the labels of the others count as missing. Default: all. */
    tasks: names.optional(),
    /** Weight of a task's loss, by task name. Default 1 each. */
    taskWeights: z.record(z.string(), positive).default({}),
    /** Where the weights of the tasks come from. */
    taskWeighting: taskWeighting.default({ kind: 'fixed' }),
    /**
     * The loss of a task is the mean over its labelled rows, and the tasks are added up (`sum`) or averaged (`mean`); or it
     * is the sum over scenarios of the mean over each one's labelled rows, so that small scenarios weigh as much as large ones.
     */
    lossReduction: z.enum(['sum', 'mean', 'perScenarioMean']).default('sum'),
    /** A checkpoint after each epoch, and in between when the last is so old. */
    checkpointMinutes: positive.default(10),
    /** Steps between two lines of step losses in metrics.jsonl. */
    metricsEverySteps: count.default(50),
  })
  // Runs even if there are other mistakes, so that all are reported at once.
  .superRefine(
    (options, context) => crossCheck(options, (path, message) => context.addIssue({ code: 'custom', path, message })),
    {
      when: () => true,
    },
  );

/** How what models answer is measured: in early stopping, in reports, in comparisons. */
export const evaluationSchema = z.strictObject({
  /** Cells with fewer positives, or negatives, are left out of means over cells and of early stopping. 0: all count. */
  minPositives: z.int().min(0).default(10),
  minNegatives: z.int().min(0).default(10),
  /** Cells count equally in means, or by their positives. */
  weights: z.enum(['equal', 'positives']).default('equal'),
  /** Rows of a group's list that NDCG and MAP are of. */
  k: z.int().min(1).max(100_000).default(10),
});

const runObject = z.strictObject({
  /** `key` names a model of the zoo; what else may stand here, that model says. */
  model: z.looseObject({ key: z.string() }),
  train: train.prefault({}),
  evaluate: evaluationSchema.prefault({}),
  /**
   * Simple predictors that the finished model is held against: `quick` are the rates of cells and a logistic regression; `all` adds
   * boosted trees.
   */
  yardsticks: z.enum(['none', 'quick', 'all']).default('quick'),
  /** Module files whose models the run may name: TypeScript or JavaScript with `export default defineModel({ ... })`. */
  modelFiles: z.array(z.string().min(1)).optional(),
  /** Decides initial weights, row order and dropout. */
  seed: z.int().min(0).default(1),
  /** ONNX Runtime's native build, its WASM build, or native where it loads. */
  backend: z.enum(['auto', 'node', 'web']).default('auto'),
  /** Default: all cores. */
  threads: count.optional(),
  /** A run folder whose weights to start from; tables grow for new vocabulary entries. */
  warmStart: z.string().min(1).optional(),
  /** The prepared data set of that run, where it is not where the run recorded it: its vocabularies are needed. */
  warmStartData: z.string().min(1).optional(),
});

/** A run's configuration whose model options are taken as they are. */
export const runSchema = runObject;

/** The schema for runs of one model. `options` includes the model's `key`. */
export const runSchemaOf = (options: z.ZodType): z.ZodType<RunConfig> =>
  runObject.extend({ model: options }) as unknown as z.ZodType<RunConfig>;

/** A run's configuration with every default filled in. */
export type RunConfig = z.output<typeof runObject>;
export type TaskWeightingOptions = RunConfig['train']['taskWeighting'];
export type Evaluation = RunConfig['evaluate'];
export type LossReduction = RunConfig['train']['lossReduction'];
/** A run's configuration as a user writes it. */
export type RunInput = z.input<typeof runObject>;

/** Gives a configuration module its types: `export default defineRun({ ... })`. */
export const defineRun = (run: RunInput): RunInput => run;

type Written = Partial<z.output<typeof train>>;

/** Options that contradict each other. The values may be of any type: this runs even if there are other mistakes. */
function crossCheck(options: Written | null, report: (path: (string | number)[], message: string) => void): void {
  if (typeof options !== 'object' || options === null) return;
  const {
    rewindEpoch,
    searchEpochs,
    optimizer,
    momentum,
    weightDecay,
    groups,
    taskWeights,
    taskWeighting,
    idDecay,
    learningRate,
    retrain,
  } = options;
  if (typeof rewindEpoch === 'number' && typeof searchEpochs === 'number' && rewindEpoch >= searchEpochs)
    report(['rewindEpoch'], `expected an epoch before searchEpochs (${searchEpochs}), found ${rewindEpoch}`);
  const onlyFor = (wanted: string, path: string[], value: unknown) => {
    if (typeof value === 'number' && value > 0 && typeof optimizer === 'string' && optimizer !== wanted)
      report(path, `has an effect with the optimizer ${wanted} only, found optimizer ${optimizer}`);
  };
  onlyFor('sgd', ['momentum'], momentum);
  onlyFor('adamw', ['weightDecay'], weightDecay);
  for (const [name, settings] of Object.entries(groups ?? {}))
    onlyFor('adamw', ['groups', name, 'weightDecay'], settings?.weightDecay);
  const given = [learningRate, retrain?.learningRate];
  const fastest = Math.max(...given.map((rate) => (typeof rate === 'number' ? rate : 0)));
  const rates = typeof idDecay === 'object' && idDecay !== null ? Object.entries(idDecay) : [['', idDecay] as const];
  for (const [field, decay] of rates)
    if (typeof decay === 'number' && decay * fastest >= 1)
      report(
        field === '' ? ['idDecay'] : ['idDecay', field],
        `expected a decay below 1 / learningRate (${1 / fastest}), found ${decay}`,
      );
  const weighting = taskWeighting?.kind;
  if (weighting !== undefined && !['fixed', 'pcgrad'].includes(weighting) && Object.keys(taskWeights ?? {}).length > 0)
    report(['taskWeights'], `has an effect with the taskWeighting fixed or pcgrad only, found ${weighting}`);
}
