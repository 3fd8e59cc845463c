/** Errors where rows are not independent: a coarse field that an id decides (age by user) has one value for all rows of the id. */
import { sigmoid } from '../../evaluate/index.ts';
import type { Block, Blocks } from '../survey.ts';
import type { CellModel } from './cells.ts';
import { logitAt, type Part, type Passes } from './passes.ts';

/** Sums for the ids `from` .. `to - 1` of an id field, of the rows of one scenario (or of all). */
interface Turn {
  /** Place of the id field among the fine blocks. */
  id: number;
  scenario?: number;
  from: number;
  to: number;
  /** [to - from, width] */
  sums: Float64Array;
  /** [to - from] 1 where an id has rows. */
  seen: Uint8Array;
}

/** Adds up `width` numbers for each id, in as few passes as memory allows; `done` reads them before the next ids follow. */
async function sumByIds(
  passes: Passes,
  wanted: readonly { id: number; scenario?: number; levels: number }[],
  width: number,
  add: (part: Part, row: number, sums: Float64Array, at: number, weight: number) => void,
  done: (turn: Turn) => void,
): Promise<void> {
  const atOnce = Math.max(Math.floor(passes.turnBytes / (8 * width)), 1);
  let turns: Turn[] = [];
  let free = atOnce;
  const read = async (): Promise<void> => {
    await passes.each((part) => {
      for (const { id, scenario, from, to, sums, seen } of turns) {
        const { ids, slots, weight } = part.fine[id];
        for (let row = 0; row < part.rows; row++) {
          if (scenario !== undefined && part.scenario[row] !== scenario) continue;
          for (let slot = 0; slot < slots; slot++) {
            const level = ids[row * slots + slot];
            if (level < from || level >= to) continue;
            add(part, row, sums, (level - from) * width, weight[row]);
            seen[level - from] = 1;
          }
        }
      }
    });
    for (const turn of turns) done(turn);
    turns = [];
    free = atOnce;
  };
  for (const { levels, ...of } of wanted)
    for (let from = 0; from < levels; ) {
      const to = Math.min(from + free, levels);
      turns.push({ ...of, from, to, sums: new Float64Array((to - from) * width), seen: new Uint8Array(to - from) });
      free -= to - from;
      from = to;
      if (free === 0) await read();
    }
  if (turns.length > 0) await read();
}

/** Share of the rows for which an id must decide the level. */
const DECIDED = 0.99;

/** By coarse field, the place of the id field with the fewest levels whose level decides the field's; undefined where none does. */
export async function decidingFields(passes: Passes, { coarse, fine }: Blocks): Promise<(number | undefined)[]> {
  const ids = fine.flatMap(({ pair, levels }, id) => (pair === undefined ? [{ id, levels }] : []));
  const { columns: P, first } = passes.columns;
  const decided = fine.map(() => new Float64Array(coarse.length)); // rows whose level is their id's commonest one
  if (coarse.some(({ isComplete }) => isComplete))
    await sumByIds(
      passes,
      ids,
      P,
      ({ design: { start, column } }, row, sums, at, weight) => {
        for (let i = start[row]; i < start[row + 1]; i++) sums[at + column[i]] += weight;
      },
      ({ id, sums, seen }) => {
        for (let at = 0; at < sums.length; at += P) {
          if (seen[at / P] === 0) continue;
          for (const [j, { levels }] of coarse.entries()) {
            let most = 0;
            for (let l = 0; l < levels; l++) most = Math.max(most, sums[at + first[j] + l]);
            decided[id][j] += most;
          }
        }
      },
    );
  return coarse.map(({ isComplete }, j) => {
    const able = ids.filter(({ id }) => isComplete && decided[id][j] > DECIDED * passes.rows);
    return able.sort((a, b) => a.levels - b.levels)[0]?.id;
  });
}

/** Contrasts of a coarse field in one scenario. */
export interface Clustered {
  scenario: number;
  /** Place of the id field that decides it. */
  id: number;
  /** [M, T] of [P]: a contrast's error is the sum over rows of residual * (x . source). */
  sources: readonly (readonly Float64Array[])[];
  /** [M, T, T] covariance (lower triangle): sums over ids of the products of what their rows contribute to each task. */
  covariance: Float64Array;
}

/** Fills the covariances. */
export async function clusterCovariances(
  passes: Passes,
  models: readonly (CellModel | undefined)[],
  wanted: readonly Clustered[],
  fine: readonly Block[],
): Promise<void> {
  const T = passes.tasks;
  const P = passes.columns.columns;
  const keys = new Map(wanted.map(({ scenario, id }) => [`${scenario},${id}`, { scenario, id }]));
  const residual = new Float64Array(T);
  const parts = new Float64Array(T);
  await sumByIds(
    passes,
    [...keys.values()].map(({ scenario, id }) => ({ scenario, id, levels: fine[id].levels })),
    P * T,
    (part, row, sums, at, weight) => {
      const { design } = part;
      residualsOf(part, row, models, residual);
      for (let i = design.start[row]; i < design.start[row + 1]; i++)
        for (let t = 0; t < T; t++) sums[at + design.column[i] * T + t] += design.value[i] * weight * residual[t];
    },
    ({ id, scenario, sums, seen }) => {
      const own = wanted.filter((of) => of.id === id && of.scenario === scenario);
      const touched: number[] = [];
      for (let at = 0; at < sums.length; at += P * T) {
        if (seen[at / (P * T)] === 0) continue;
        touched.length = 0;
        for (let i = 0; i < P; i++) {
          let is = false;
          for (let t = 0; t < T; t++) is ||= sums[at + i * T + t] !== 0;
          if (is) touched.push(i);
        }
        for (const { sources, covariance } of own)
          for (const [m, of] of sources.entries())
            for (let t = 0; t < T; t++) {
              let sum = 0;
              for (const i of touched) sum += sums[at + i * T + t] * of[t][i];
              parts[t] = sum;
              for (let u = 0; u <= t; u++) covariance[(m * T + t) * T + u] += sum * parts[u];
            }
      }
    },
  );
}

/** Writes what each task's label of a row differs from its probability, by the row's weight; 0 where there is no label or no model. */
export function residualsOf(
  part: Part,
  row: number,
  models: readonly (Pick<CellModel, 'b'> | undefined)[],
  into: Float64Array,
): void {
  const { scenario, asked, labels, mass } = part;
  const T = into.length;
  for (let t = 0; t < T; t++) {
    const model = models[scenario[row] * T + t];
    into[t] =
      model === undefined || asked[row * T + t] === 0
        ? 0
        : mass[row] * (labels[row * T + t] - sigmoid(logitAt(part, row * T + t, row, model.b)));
  }
}
