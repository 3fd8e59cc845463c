/** Times and memory of a comparison, apart from its results: no two runs share them. */
import type { CellTimes, Times } from '../../documents/comparison.ts';
import type { CellEnd } from './cell.ts';

export function timesOf(ends: readonly CellEnd[]): Times {
  const finished = ends.filter((end) => end.kind === 'finished');
  const key = ({ cell }: { cell: CellEnd['cell'] }): string => JSON.stringify([cell.data.manifest.name, cell.model]);
  return {
    schema: 'comparison-times/1',
    models: [...new Set(finished.map(key))].map((of) => {
      const own = finished.filter((end) => key(end) === of);
      const seeds = new Set(own.map(({ cell }) => cell.seed)).size;
      const perSeed = (name: Exclude<keyof CellTimes, 'peakBytes'>): number =>
        own.reduce((sum, { result }) => sum + result.times[name], 0) / seeds;
      return {
        data: own[0].cell.data.manifest.name,
        model: own[0].cell.model,
        secondsToBest: perSeed('secondsToBest'),
        processorSecondsToBest: perSeed('processorSecondsToBest'),
        seconds: perSeed('seconds'),
        peakBytes: Math.max(...own.map(({ result }) => result.times.peakBytes)),
      };
    }),
    cells: finished.map(({ cell, result }) => ({
      cell: cell.name,
      data: cell.data.manifest.name,
      ...result.times,
    })),
  };
}
