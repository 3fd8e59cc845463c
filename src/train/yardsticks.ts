/** Holds a trained model against yardsticks, on the rows that it learned and was measured on. */

import type { SplitName } from '../config/dataset.ts';
import type { RunConfig } from '../config/run.ts';
import { gridToJson } from '../documents/grid.ts';
import type { YardsticksDocument } from '../documents/yardsticks.ts';
import type { Grid } from '../evaluate/grid.ts';
import { openPart } from '../inference/model/run-data.ts';
import { YARDSTICKS, type YardstickKey } from '../yardsticks/contract.ts';
import { fitYardsticks } from '../yardsticks/fit.ts';
import { bestOf, marginOver, ScoreSample } from '../yardsticks/interval.ts';
import { measureYardsticks, type Scorer } from '../yardsticks/measure.ts';
import { keepYardsticks, keptYardsticks } from './kept-yardsticks.ts';
import type { Setup } from './run/setup.ts';

/** Trees take as long as a small network: a single run leaves them out unless asked. */
const YARDSTICKS_OF: Record<RunConfig['yardsticks'], readonly YardstickKey[]> = {
  none: [],
  quick: ['priors', 'logistic'],
  all: ['priors', 'logistic', 'trees'],
};

/** What a model answered to the rows of a split. */
interface Answered {
  grid: Grid;
  /** Its logits of these rows. */
  sample: ScoreSample;
}

interface Holding {
  split: SplitName;
  /** Default: those of the configuration. */
  keys?: readonly YardstickKey[];
  /** A file: on validation rows it takes what the yardsticks answer to test rows; on test rows, those in it are not fitted again. */
  kept: string;
}

export async function holdAgainstYardsticks(
  { config, data }: Pick<Setup, 'config' | 'data'>,
  { grid, sample }: Answered,
  { split, keys = YARDSTICKS_OF[config.yardsticks], kept }: Holding,
): Promise<YardsticksDocument> {
  const { manifest } = data;
  const open = (of: SplitName) => openPart(data, of, config.train);
  const known = split === 'test' ? keptYardsticks(kept, data).filter(({ key }) => keys.includes(key)) : [];
  const missing = keys.filter((key) => !known.some((one) => one.key === key));
  const fitted = missing.length > 0 ? await fitYardsticks(data, missing, open) : [];
  if (split === 'validation') await keepYardsticks(kept, fitted, data, config.train);
  const yardsticks: Scorer[] = [...known, ...fitted].sort(byKey);
  const samples = yardsticks.map(() => new ScoreSample(manifest.splits[split].rows, manifest.tasks.length));
  const measured = await measureYardsticks(yardsticks, manifest, await open(split), config.evaluate, samples);
  const best = bestOf(measured);
  const margin =
    best === undefined
      ? undefined
      : marginOver({ sample, grid }, { sample: samples[measured.indexOf(best)], grid: best.grid }, config.evaluate);
  return {
    measured: measured.map(({ key, grid: own }) => ({ key, grid: gridToJson(own) })),
    margin:
      margin === undefined || best === undefined
        ? null
        : { against: best.key, difference: margin.difference, low: margin.low, high: margin.high, cells: margin.cells },
  };
}

const byKey = (a: Scorer, b: Scorer): number => YARDSTICKS.indexOf(a.key) - YARDSTICKS.indexOf(b.key);
