/** What a join did, in numbers: sums over its days. */
import type { JoinDocument } from '../../documents/join.ts';
import type { JoinedRows } from './dataset.ts';
import type { JoinPlan } from './plan.ts';
import type { Received } from './reactions.ts';
import type { LogRead } from './read-log.ts';
import type { DayState } from './state.ts';

export interface Joined {
  rows: JoinedRows;
  read: LogRead;
  received: Received;
  /** Dates that were written now. */
  written: readonly string[];
  /** Events after the time of the join. */
  later: number;
  /** Events after now and the allowed skew. */
  future: number;
}

export function documentOf(
  { artifact, tasks }: JoinPlan,
  done: Joined & { logName: string; out: string; asOf: number; seconds: number },
): JoinDocument {
  const { rows, read, received, written, later, future, logName, out, asOf, seconds } = done;
  const dates = Object.keys(rows.days).sort();
  const days = dates.map((date) => rows.days[date]);
  const sum = (of: (day: DayState) => number, some = days): number => some.reduce((total, day) => total + of(day), 0);
  const writtenRows = sum(
    (day) => day.rows,
    written.map((date) => rows.days[date]),
  );
  const reactions = (kind: 'interaction' | 'correction') => {
    const matched = sum((day) => day.matched[kind]);
    return { ...received[kind], matched, unmatched: received[kind].received - matched };
  };
  const { impression, interaction, correction, damaged, lost } = read.lines;
  return {
    schema: 'join/1',
    log: logName,
    out,
    artifact,
    asOf: new Date(asOf).toISOString(),
    read: {
      impressions: impression,
      interactions: interaction,
      corrections: correction,
      damaged,
      lost,
      bytes: read.bytes,
    },
    days: { first: dates[0], last: dates[dates.length - 1], count: dates.length, written: written.length },
    impressions: {
      joined: sum((day) => day.impressions),
      duplicates: sum((day) => day.duplicates),
      repeated: sum((day) => day.repeated),
      otherModels: sum((day) => day.otherModels),
      otherScenarios: sum((day) => day.otherScenarios),
    },
    items: { shown: sum((day) => day.items), unshown: sum((day) => day.unshown) },
    interactions: reactions('interaction'),
    corrections: reactions('correction'),
    later,
    future,
    tasks: tasks.map(({ name }, k) => ({
      task: name,
      open: sum((day) => day.tasks[k].open),
      positive: sum((day) => day.tasks[k].positive),
      negative: sum((day) => day.tasks[k].negative),
      late: sum((day) => day.tasks[k].late),
      revoked: sum((day) => day.tasks[k].revoked),
    })),
    rows: { count: sum((day) => day.rows), written: writtenRows, sampledOut: sum((day) => day.sampledOut) },
    seconds,
    rowsPerSecond: writtenRows === 0 ? null : writtenRows / seconds,
  };
}
