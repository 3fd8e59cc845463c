/** How differences went: what reports at earlier times would have said. */
import { DAY_MS } from '../base/times.ts';
import type { ExperimentReport, ExperimentTreatment } from '../documents/experiment/report.ts';

export type History = NonNullable<ExperimentReport['history']>;

/** A look: when, units of all arms until then, and what was found. */
export interface Look {
  at: number;
  units: number;
  treatments: readonly ExperimentTreatment[];
}

/**
 * Ends of whole days since the first answer, at most `number` of them and equally far apart. The end of the log itself is not among them.
 *
 * @param first milliseconds since 1970, as `last`
 */
export function timesOfLooks(first: number, last: number, number: number): number[] {
  const days = Math.ceil((last - first) / DAY_MS) - 1;
  const step = Math.max(1, Math.ceil(days / Math.max(1, number)));
  const times: number[] = [];
  // Counted back from the last whole day: the newest looks matter most.
  for (let day = days; day >= 1 && times.length < number; day -= step) times.unshift(first + day * DAY_MS);
  return times;
}

/** Lines of a look in the document. */
export const linesOf = ({ at, units, treatments }: Look): History =>
  treatments.flatMap(({ arm, metrics }) =>
    metrics.map(({ metric, difference }) => ({ at: new Date(at).toISOString(), units, arm, metric, difference })),
  );
