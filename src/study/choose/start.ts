/** Starts a choice: the candidates, their configurations, and what the budget pays for. */
import { error } from '../../base/errors/index.ts';
import { loadModelFiles, readWritten, resolveRun } from '../../config/load.ts';
import type { RunConfig } from '../../config/run.ts';
import { slotsOf } from '../../data/encode/ids.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { LeftOutCandidate } from '../../documents/choice.ts';
import { modelSizes } from '../../inference/model/sizes.ts';
import { findModel, models } from '../../model/registry.ts';
import { modelCost } from '../../train/cost.ts';
import { dataDefaults } from '../../train/run/data-defaults.ts';
import { type RunPlace, runProblems } from '../../train/run/new-run.ts';
import { YARDSTICKS, type YardstickKey } from '../../yardsticks/contract.ts';
import { type Choosing, createChoice } from './folder.ts';
import { budgetOf, type Candidate, planTrials } from './plan.ts';

/**
 * What may be chosen; the first is always tried. One network for all cells is hard to beat where scenarios are alike; `streams` drops what
 * the flow test finds useless; `mmoe` mixes experts by task; `autoifs` selects flows by a search before its training.
 */
const CANDIDATES = ['shared-bottom', 'streams', 'mmoe', 'autoifs'] as const;
/** What makes sense with a single scenario and task. */
const FOR_ONE_CELL: readonly string[] = ['shared-bottom'];

/** What was given besides the model. */
export interface ChoiceSources {
  config?: string;
  set?: readonly string[];
  flags?: object;
}

/**
 * Makes the folder of a choice, for `startChoice`.
 *
 * @param given the budget in seconds; by default a multiple of what the yardsticks cost
 * @throws CONFIG_INVALID (naming the candidate that options do not fit), CONFIG_UNREADABLE, FILE_MISSING, RUN_EXISTS, FILE_UNWRITABLE,
 *   DISK_FULL
 */
export async function newChoice(
  data: PreparedData,
  sources: ChoiceSources,
  given: number | undefined,
  place: RunPlace,
): Promise<string> {
  const { folder, manifest } = data;
  const oneCell = manifest.scenarios.length * manifest.tasks.length === 1;
  const possible = CANDIDATES.filter((key) => !oneCell || FOR_ONE_CELL.includes(key));
  const configs = await configsOf(possible, data, sources);
  const sizes = {
    rows: manifest.splits.train.rows,
    slots: slotsOf(manifest.fields),
    fields: manifest.fields.length,
    tasks: manifest.tasks.length,
  };
  const budget = given ?? budgetOf(sizes);
  const plan = planTrials(
    possible.map((key, i) => candidateOf(key, configs[i], data)),
    yardsticksOf(configs[0]),
    sizes,
    budget,
  );
  const choosing: Omit<Choosing, 'version' | 'versions'> = {
    data: { name: manifest.name, folder, hash: manifest.hash },
    budget,
    candidates: plan.tried.map(({ model, steps, passes, price }) => ({
      model,
      config: configs[possible.indexOf(model as (typeof possible)[number])],
      steps,
      passes,
      price,
    })),
    leftOut: [
      ...plan.leftOut.map(({ model, price }): LeftOutCandidate => ({ model, because: 'budget', price })),
      ...CANDIDATES.filter((key) => !possible.includes(key)).map(
        (model): LeftOutCandidate => ({ model, because: 'cells' }),
      ),
    ],
    yardsticks: plan.yardsticks,
    yardsticksLeftOut: plan.yardsticksLeftOut,
  };
  return createChoice(choosing, place);
}

/** The configuration of each candidate, with all yardsticks unless something else is written. */
async function configsOf(
  keys: readonly string[],
  { manifest }: PreparedData,
  { config = {}, set, flags = {} }: { config?: string | object } & Omit<ChoiceSources, 'config'>,
): Promise<RunConfig[]> {
  const written = await readWritten(config);
  await loadModelFiles(written, models);
  return keys.map((key) => {
    const source = `the run configuration of the candidate ${key}`;
    const run = resolveRun({
      models,
      defaults: () => ({ ...dataDefaults(findModel(key), manifest), yardsticks: 'all' }),
      config: written,
      flags: { ...flags, model: { key } },
      set,
      source,
    });
    const problems = runProblems(run, manifest);
    if (problems.length > 0) throw error('CONFIG_INVALID', { source, problems });
    return run;
  });
}

function candidateOf(key: string, { model: options, train }: RunConfig, { manifest }: PreparedData): Candidate {
  const model = findModel(key);
  const { multiplyAddsPerRow } = modelCost(
    model,
    model.options.parse(options),
    modelSizes(manifest),
    manifest.tableRows,
  );
  const hasSearch = model.flowSelection !== undefined;
  return {
    model: key,
    multiplyAdds: multiplyAddsPerRow,
    batchSize: train.batchSize,
    searchEpochs: hasSearch ? train.searchEpochs : 0,
    keptEpochs: hasSearch ? (train.rewindEpoch ?? train.searchEpochs - 1) : 0,
    testsFlows: model.flowTable?.source(options) === 'test',
  };
}

const yardsticksOf = ({ yardsticks }: RunConfig): YardstickKey[] =>
  YARDSTICKS.filter((key) => yardsticks === 'all' || (yardsticks === 'quick' && key !== 'trees'));
