/** What a first pass over the rows finds: the levels of each field that occur, and the mass of the rows. */
import { type FieldShape, type FlowRows, type FlowSource, pairName } from './rows.ts';

/** A field's one-hot columns: the levels that occur in the rows. A row's values share a weight of 1. */
export interface Block {
  name: string;
  /** L: levels that occur in the rows. */
  levels: number;
  slots: number;
  /** [L] the field's own number of each level; of a pair, of both fields. */
  kept: Int32Array;
  /** By the field's own number: the number among the levels that occur, or -1. */
  number: Int32Array;
  /** [S, L] weight of a level in each scenario. */
  seen: Float64Array;
  /** Has every row exactly one value? */
  isComplete: boolean;
  /** Place of the field among the fields of the rows; of a pair, of both fields. */
  places: readonly number[];
  /** The two coarse fields of a pair. */
  pair?: readonly [Block, Block];
}

export interface Blocks {
  /** Fields whose levels are estimated all together. */
  coarse: Block[];
  /** Fields with many levels (ids), and pairs of coarse fields where requested. */
  fine: Block[];
}

export interface BlockOptions {
  /** Fields with at most this many levels are coarse. */
  maxLevels: number;
  /** Adds products of two coarse fields: what two fields say together. */
  pairs: boolean;
}

/** Levels of a pair at most. */
const PAIR_LEVELS = 400;

/** [L] sum of a block's weights per level. */
export function levelTotals({ seen, levels }: Block): Float64Array {
  const totals = new Float64Array(levels);
  for (let i = 0; i < seen.length; i++) totals[i % levels] += seen[i];
  return totals;
}

/** Counts levels, part after part. */
class Count {
  /** [S, levels] */
  readonly all: Float64Array;
  isComplete: boolean;
  readonly #shape: FieldShape;
  /** [S] the level of each scenario, while it has one only. */
  readonly #value: Int32Array;
  #isConstant: boolean;

  constructor(shape: FieldShape, S: number) {
    this.#shape = shape;
    this.all = new Float64Array(S * shape.levels);
    this.isComplete = shape.slots === 1;
    this.#value = new Int32Array(S).fill(-2);
    this.#isConstant = shape.slots === 1 && S > 1;
  }

  add(ids: Int32Array, scenario: Int32Array): void {
    const { slots, levels } = this.#shape;
    const weight = slots === 1 ? undefined : shareOfValue(scenario.length, slots, ids);
    for (let row = 0; row < scenario.length; row++) {
      const s = scenario[row];
      for (let slot = 0; slot < slots; slot++) {
        const id = ids[row * slots + slot];
        if (id >= 0) this.all[s * levels + id] += weight?.[row] ?? 1;
        else this.isComplete = false;
      }
      if (!this.#isConstant) continue;
      if (this.#value[s] === -2) this.#value[s] = ids[row];
      else if (this.#value[s] !== ids[row]) this.#isConstant = false;
    }
  }

  /** [S] the field's level in each scenario, -2 where there are no rows: of a field that is the scenario by another name. */
  get levels(): Int32Array | undefined {
    const seen = this.#value.filter((id) => id > -2);
    return this.#isConstant && new Set(seen).size === seen.length ? this.#value : undefined;
  }

  block(name: string, places: readonly number[], pair?: readonly [Block, Block]): Block {
    const { levels, slots } = this.#shape;
    const S = this.all.length / levels;
    const number = new Int32Array(levels).fill(-1);
    const kept: number[] = [];
    for (let level = 0; level < levels; level++) {
      let occurs = false;
      for (let s = 0; s < S; s++) occurs ||= this.all[s * levels + level] > 0;
      if (occurs) number[level] = kept.push(level) - 1;
    }
    const seen = new Float64Array(S * kept.length);
    for (let s = 0; s < S; s++)
      for (const [i, level] of kept.entries()) seen[s * kept.length + i] = this.all[s * levels + level];
    const { isComplete } = this;
    const found = { name, levels: kept.length, slots, kept: Int32Array.from(kept), number, seen, isComplete, places };
    return pair === undefined ? found : { ...found, pair };
  }
}

/** [N] 1 / number of a row's values. */
function shareOfValue(n: number, slots: number, ids: Int32Array): Float64Array {
  const weight = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    let values = 0;
    for (let slot = 0; slot < slots; slot++) if (ids[row * slots + slot] >= 0) values++;
    weight[row] = values === 0 ? 0 : 1 / values;
  }
  return weight;
}

/** One pass over rows. */
export class Survey {
  readonly #shapes: readonly FieldShape[];
  readonly #counts: Count[];
  /** [S] sums of the weights of rows and of their squares. */
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;

  constructor({ fields, scenarios: S }: Pick<FlowSource, 'fields' | 'scenarios'>) {
    this.#shapes = fields;
    this.#counts = fields.map((shape) => new Count(shape, S));
    this.#sums = new Float64Array(S);
    this.#squares = new Float64Array(S);
  }

  add({ fields, scenario, weight }: FlowRows): void {
    for (const [j, { ids }] of fields.entries()) this.#counts[j].add(ids, scenario);
    for (let row = 0; row < scenario.length; row++) {
      const value = weight?.[row] ?? 1;
      this.#sums[scenario[row]] += value;
      this.#squares[scenario[row]] += value * value;
    }
  }

  /**
   * [S] factor of the weights of rows: with it they sum to the effective number of rows, (sum w)^2 / sum w^2 (Kish: Survey
   * Sampling, 1965). Weights that vary make estimates less certain, and their scale says nothing.
   */
  get massFactors(): Float64Array {
    return this.#sums.map((sum, s) => (this.#squares[s] === 0 ? 0 : sum / this.#squares[s]));
  }

  /** The fields that vary within scenarios. A field with fewer than two levels in the rows is left out. */
  blocks(maxLevels: number): Blocks {
    const found = this.#counts.flatMap((count, j) => {
      if (count.levels !== undefined) return []; // constant within a scenario: it carries no evidence about flows
      const block = count.block(this.#shapes[j].name, [j]);
      return block.levels >= 2 ? [block] : [];
    });
    return {
      coarse: found.filter(({ levels }) => levels <= maxLevels),
      fine: found.filter(({ levels }) => levels > maxLevels),
    };
  }

  /** By field, [S] its level in each scenario (below 0: none); undefined for a field that varies within scenarios. */
  get scenarioLevels(): (Int32Array | undefined)[] {
    return this.#counts.map(({ levels }) => levels);
  }
}

/** A survey of rows in memory. */
export function surveyOf(rows: FlowRows): Survey {
  const survey = new Survey(rows);
  survey.add(rows);
  return survey;
}

/** One pass over all rows, and one more for pairs. */
export async function survey(
  source: FlowSource,
  { maxLevels, pairs }: BlockOptions,
): Promise<{ blocks: Blocks; massFactors: Float64Array }> {
  const found = new Survey(source);
  for await (const part of source.parts()) found.add(part);
  const { coarse, fine } = found.blocks(maxLevels);
  return {
    blocks: { coarse, fine: pairs ? [...fine, ...(await pairBlocks(source, coarse))] : fine },
    massFactors: found.massFactors,
  };
}

async function pairBlocks(source: FlowSource, coarse: readonly Block[]): Promise<Block[]> {
  const counts = coarse.flatMap((a, i) =>
    coarse.slice(i + 1).flatMap((b) => {
      const levels = a.levels * b.levels;
      if (!a.isComplete || !b.isComplete || levels > PAIR_LEVELS) return [];
      const name = pairName(a.name, b.name);
      return [{ pair: [a, b] as const, name, count: new Count({ name, levels, slots: 1 }, source.scenarios) }];
    }),
  );
  for await (const part of source.parts())
    for (const { pair, count } of counts) count.add(product(part, pair), part.scenario);
  return counts.map(({ pair, name, count }) => count.block(name, [...pair[0].places, ...pair[1].places], pair));
}

/** [N] the level of a pair. */
function product({ fields, rows: n }: FlowRows, [a, b]: readonly [Block, Block]): Int32Array {
  const [left, right] = [fields[a.places[0]].ids, fields[b.places[0]].ids];
  const ids = new Int32Array(n);
  for (let row = 0; row < n; row++) ids[row] = a.number[left[row]] * b.levels + b.number[right[row]];
  return ids;
}

/** The values of a part's rows: numbers [N, slots] among the levels that occur, or -1, and the weight [N] of each. */
export interface Values {
  slots: number;
  ids: Int32Array;
  weight: Float64Array;
}

/** Fields with one value a row share one array of weights, `ones` [N]. */
export function valuesOf(part: FlowRows, block: Block, ones: Float64Array): Values {
  const { slots, number, places, pair } = block;
  const ids = pair === undefined ? part.fields[places[0]].ids : product(part, pair);
  return {
    slots,
    ids: ids.map((id) => (id < 0 ? -1 : number[id])),
    weight: slots === 1 ? ones : shareOfValue(part.rows, slots, ids),
  };
}
