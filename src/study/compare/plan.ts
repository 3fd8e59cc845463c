/** The trainings of a comparison: every model with every seed on every data set, references once for each part. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { error } from '../../base/errors/index.ts';
import { canonicalJson, sha256 } from '../../base/hash.ts';
import type { Problem } from '../../config/files/problems.ts';
import type { Comparison } from '../../config/load-compare.ts';
import { evaluationSchema, type RunConfig } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { runProblems } from '../../train/run/new-run.ts';

/** One training. */
export interface Cell {
  /** Shown to people: `mmoe, seed 1`. */
  name: string;
  /** Label of its model. */
  model: string;
  seed: number;
  /** The task or scenario that it learns alone. */
  part?: string;
  data: PreparedData;
  run: RunConfig;
  /** Holds all its files. Named by what it trains, so that a changed comparison reuses what is unchanged. */
  folder: string;
}

/** @throws CONFIG_INVALID where a model does not fit the data */
export function planCells(comparison: Comparison, datasets: readonly PreparedData[], out: string): Cell[] {
  const problems: Problem[] = [];
  const cells = datasets.flatMap((data) =>
    comparison.models.flatMap(({ label, run, by }) => {
      const parts = by === undefined ? [undefined] : by === 'task' ? data.manifest.tasks : data.manifest.scenarios;
      const found = runProblems(run, data.manifest);
      problems.push(
        ...found.map(({ path, message }) => ({ path: `${label} on ${data.manifest.name}: ${path}`, message })),
      );
      return comparison.seeds.flatMap((seed) =>
        parts.map((part) => {
          const chosen = part === undefined ? {} : by === 'task' ? { tasks: [part] } : { scenarios: [part] };
          return cellOf(
            {
              model: label,
              seed,
              part,
              data,
              run: { ...run, seed, yardsticks: 'none', train: { ...run.train, ...chosen } },
            },
            out,
          );
        }),
      );
    }),
  );
  if (problems.length > 0) throw error('CONFIG_INVALID', { source: 'the comparison', problems });
  return inTurns(cells, comparison.seeds);
}

function cellOf(cell: Omit<Cell, 'name' | 'folder'>, out: string): Cell {
  const { model, seed, part, data, run } = cell;
  const identity = sha256(canonicalJson({ run: asKnownBefore(run), data: data.manifest.hash })).slice(0, 10);
  const words = [model, ...(part === undefined ? [] : [part]), `seed ${seed}`];
  return { ...cell, name: words.join(', '), folder: join(out, 'cells', `${plain(words.join('-'))}-${identity}`) };
}

/** What identifies a training. How it is measured counts only where that is not the default, so that older folders are reused. */
function asKnownBefore({ evaluate, yardsticks: _, ...run }: RunConfig): object {
  return isDeepStrictEqual(evaluate, evaluationSchema.parse({})) ? run : { ...run, evaluate };
}

/** All models with the first seed, then all with the second: a comparison that is stopped early has results of each model. */
const inTurns = (cells: Cell[], seeds: readonly number[]): Cell[] =>
  seeds.flatMap((seed) => cells.filter((cell) => cell.seed === seed));

const plain = (text: string): string =>
  text
    .replaceAll(/[^A-Za-z0-9._]+/g, '-')
    .slice(0, 150)
    .replaceAll(/^[.-]+|-+$/g, '');
