/**
 * The synthetic world: a seeded universe of users, items, scenarios and tasks whose true probabilities are known.
 * It writes data sets of any size and answers clicks for simulated online tests, from the same truth (planted.ts).
 */

import { random } from '../../base/random.ts';
import type { DatasetInput } from '../../config/dataset.ts';
import { streams, uniform } from './hash.ts';
import { type WorldInput, type WorldOptions, worldOptions } from './options.ts';
import { describeTruth, FLOWS, LEVELS, type Planted, type PlantedTruth, plant } from './planted.ts';
import { type Things, things } from './things.ts';
import { type WriteOptions, writeRows } from './write.ts';

/** A user meets an item in a scenario; all are numbers from 0. */
export interface Encounter {
  user: number;
  item: number;
  scenario: number;
}

export interface Row extends Encounter {
  labels: (0 | 1)[];
}

/** A ranked list shown to a user. */
export interface Exposure {
  /** Names the exposure: the same id and items meet the same answers, wherever an item stands. */
  id: string | number;
  user: number;
  scenario: number;
  /** Items in the order shown. */
  items: number[];
  /** The item at position j (from 0) is looked at with probability (1 + j)^-positionBias. Default 0: all are. */
  positionBias?: number;
}

export interface Answer {
  item: number;
  examined: boolean;
  /** One per task; all 0 where the item was not looked at. */
  labels: (0 | 1)[];
}

export interface World {
  options: WorldOptions;
  planted: Planted;
  /** Probability of each task's label being 1, given that the item is looked at. [T] */
  probabilities(encounter: Encounter): number[];
  /** Effects of unit variance, before strength: [T][4]. Also for cells in which the flow is noise. */
  effects(encounter: Encounter): number[][];
  things: Things;
  /** Field values, as they stand in the files: what a ranker is asked with. */
  fields(encounter: Encounter): Record<string, number | string>;
  /** Row `index` of every file that this world writes. */
  row(index: number): Row;
  /** What the user does with a ranked list. Depends on the world and the exposure alone. */
  respond(exposure: Exposure): Answer[];
  /** Writes rows as Parquet in time order, about half a million a second, in memory that does not grow with the rows. */
  writeParquet(path: string, options: WriteOptions): Promise<void>;
  /** The dataset configuration of a file that `writeParquet` wrote, relative to its folder. */
  datasetConfig(file?: string): DatasetInput;
}

/** Makes a world. Throws CONFIG_INVALID naming every mistake in the options. */
export function createWorld(input: WorldInput = {}): World {
  const options = worldOptions(input);
  const planted = plant(options);
  const all = things(options.seed);
  const { userLevels, itemLevels, userFields, itemFields } = all;
  const drawn = rowStreams(options);

  const effects = ({ user, item, scenario }: Encounter): number[][] => {
    const [u, i] = [userLevels(user), itemLevels(item)];
    return planted.effect[scenario].map((flows) => flows.map((table, k) => table[u[k] * LEVELS + i[k]]));
  };

  /** Probability of each label given that the one before is 1 (funnel), or given nothing. */
  const conditional = (encounter: Encounter): number[] =>
    effects(encounter).map((effect, t) => {
      const { scenario } = encounter;
      const bias = planted.bias[scenario][t];
      const logit = effect.reduce((sum, x, k) => sum + planted.strength[scenario][t][k] * x, bias);
      return (1 - options.noise) * sigmoid(logit) + options.noise * sigmoid(bias);
    });
  const answer = (chances: number[], draw: (task: number) => number): (0 | 1)[] => {
    const labels = chances.map((p, t): 0 | 1 => (draw(t) < p ? 1 : 0));
    if (options.funnel) for (let t = 1; t < labels.length; t++) labels[t] = labels[t - 1] && labels[t];
    return labels;
  };

  return {
    options,
    planted,
    things: all,
    effects,
    probabilities(encounter) {
      const chances = conditional(encounter);
      if (options.funnel) for (let t = 1; t < chances.length; t++) chances[t] *= chances[t - 1];
      return chances;
    },
    fields: ({ user, item, scenario }) => ({
      scenario: planted.scenarios[scenario],
      ...userFields(user),
      ...itemFields(item),
    }),
    row(index) {
      const at = (u: number, n: number): number => Math.floor(u * n);
      const [u, i, s] = [drawn.user, drawn.item, drawn.scenario].map((stream) => uniform(stream, index));
      let scenario = 0;
      for (let sum = planted.scenarioShares[0]; s >= sum && scenario < options.scenarios - 1; )
        sum += planted.scenarioShares[++scenario];
      // Some users and items are met more often than others: the density falls with the number.
      const encounter = { user: at(u * Math.sqrt(u), options.users), item: at(i * i, options.items), scenario };
      return { ...encounter, labels: answer(conditional(encounter), (t) => uniform(drawn[`label${t}`], index)) };
    },
    respond({ id, user, scenario, items, positionBias = 0 }) {
      return items.map((item, position) => {
        const generator = random('synthetic', options.seed, 'answer', id, user, scenario, item);
        const examined = generator.uniform() < (1 + position) ** -positionBias;
        const labels = answer(conditional({ user, item, scenario }), () => generator.uniform());
        return { item, examined, labels: examined ? labels : labels.map(() => 0 as const) };
      });
    },
    writeParquet: (path, write) => writeRows(path, { world: options, planted, streams: drawn }, write),
    datasetConfig: (file = 'synthetic.parquet') => datasetConfig(planted, file),
  };
}

/** The planted strengths, and which flows are noise where: what flow selection can be checked against. */
export const plantedTruth = (world: World): PlantedTruth => describeTruth(world.options, world.planted);

const rowStreams = ({ seed, tasks }: WorldOptions) =>
  streams(seed, 'row', ['user', 'item', 'scenario', ...Array.from({ length: tasks }, (_, t) => `label${t}`)]);

function datasetConfig(planted: Planted, file: string): DatasetInput {
  const categorical = ['user_id', ...FLOWS.map((f) => f.userField), 'item_id', ...FLOWS.map((f) => f.itemField)];
  return {
    name: 'synthetic',
    sources: { events: { path: file } },
    fields: [
      ...categorical.map((name) => ({ kind: 'categorical' as const, name })),
      { kind: 'multi', name: 'tags', separator: '|', maxLength: 3 },
      { kind: 'numeric', name: 'price', buckets: { quantiles: 10 } },
      { kind: 'categorical', name: 'scenario' },
    ],
    scenario: { expression: 'scenario', values: planted.scenarios },
    tasks: planted.tasks.map((name) => ({ name, label: `"${name}"` })),
    group: 'user_id',
    split: { kind: 'time', column: 'time' },
  };
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
