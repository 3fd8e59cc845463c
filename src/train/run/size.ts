/** What the size of the data means for the model that a run trains. */
import { type SizeRemark, sizeRemarks } from '../../data/checks/size.ts';
import { readStatistics } from '../../data/prepare/result-folder.ts';
import type { Setup } from './setup.ts';

/** None where statistics have an older layout, or are damaged: training does not need them. */
export function runSize({
  data,
  config,
  denseParameters,
}: Pick<Setup, 'data' | 'config' | 'denseParameters'>): SizeRemark[] {
  const { scenarios, tasks } = config.train;
  const statistics = statisticsOf(data.folder);
  return statistics === undefined ? [] : sizeRemarks(data.manifest, statistics, { denseParameters, scenarios, tasks });
}

function statisticsOf(folder: string): ReturnType<typeof readStatistics> {
  try {
    return readStatistics(folder);
  } catch {
    return undefined;
  }
}
