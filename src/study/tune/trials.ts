/** The log of a search's trials: one line each time a trial ends or pauses, kept across kills. */
import { existsSync, readFileSync } from 'node:fs';
import { parseLines } from '../../documents/read.ts';
import { type TrialRecord, trialLine } from '../../documents/tuning.ts';
import { openJsonLines, readJsonLines } from '../../store/json-lines.ts';

export interface TrialLog {
  /** Sorted by trial, then epochs, whatever the order in which they were added. */
  records(): TrialRecord[];
  /** The record of a trial after `asked` epochs, or at its end where that came earlier. */
  find(trial: number, asked: number | null): TrialRecord | undefined;
  add(record: TrialRecord): void;
  close(): void;
}

/** @throws RUN_DAMAGED, FILE_UNWRITABLE, DISK_FULL */
export function openTrialLog(path: string): TrialLog {
  const records = parseLines(path, readJsonLines(path), trialLine);
  // A kill may have left an incomplete line.
  const whole = existsSync(path) ? readFileSync(path).lastIndexOf('\n') + 1 : 0;
  const file = openJsonLines<TrialRecord>(path, whole);
  return {
    records: () => [...records].sort((a, b) => a.trial - b.trial || (a.asked ?? Infinity) - (b.asked ?? Infinity)),
    find: (trial, asked) =>
      records.find(
        (record) => record.trial === trial && (record.asked === asked || record.ended || record.value === null),
      ),
    add(record) {
      file.append(record);
      file.sync();
      records.push(record);
    },
    close: () => file.close(),
  };
}

/** The last record of each trial. */
export function latest(records: readonly TrialRecord[]): TrialRecord[] {
  return [...new Map(records.map((record) => [record.trial, record])).values()];
}

/** Trials that trained longest first, the best of them before the others; failed trials last. */
export function ranked(records: readonly TrialRecord[], better: 'higher' | 'lower'): TrialRecord[] {
  const sign = better === 'higher' ? -1 : 1;
  const loss = ({ value }: TrialRecord): number => (value === null ? Number.POSITIVE_INFINITY : sign * value);
  const order = (a: TrialRecord, b: TrialRecord): number =>
    Number(a.value === null) - Number(b.value === null) ||
    Number(b.ended) - Number(a.ended) ||
    (a.ended ? 0 : b.epochs - a.epochs) ||
    loss(a) - loss(b) ||
    a.trial - b.trial;
  return latest(records).sort((a, b) => order(a, b) || 0);
}
