/** What a join made of a log, for a terminal. */
import type { JoinDocument } from '../documents/join.ts';
import { count, duration } from './numbers.ts';
import { numeric, tableOf, textTable } from './table.ts';

export function joinText(document: JoinDocument, dataset: string): string {
  const { out, days, rows, items, impressions, read, asOf, seconds, rowsPerSecond } = document;
  const speed = rowsPerSecond === null ? '' : `, ${count(Math.round(rowsPerSecond))} rows/s`;
  const head =
    days.written === 0
      ? `${out} is up to date: nothing in the log changes its rows`
      : `joined ${count(rows.written)} rows of ${count(days.written)} days into ${out} (${duration(seconds)}${speed})`;
  return [
    head,
    `  rows          ${count(rows.count)} of ${count(days.count)} days, ${days.first} to ${days.last}, as of ${asOf}`,
    `  answers       ${listed(count(impressions.joined), [
      [impressions.duplicates, 'duplicates'],
      [impressions.repeated, 'repeated request ids'],
      [impressions.otherModels, 'of other models'],
      [impressions.otherScenarios, 'of other scenarios'],
    ])}`,
    `  items         ${listed(`${count(items.shown)} shown`, [
      [items.unshown, 'candidates not shown'],
      [rows.sampledOut, 'negatives not drawn'],
    ])}`,
    `  interactions  ${reactionText(document.interactions)}`,
    `  corrections   ${reactionText(document.corrections)}`,
    `  read now      ${count(read.impressions)} answers, ${count(read.interactions)} interactions, ${count(read.corrections)} corrections, ${count(read.bytes)} bytes`,
    ...warnings(document),
    '',
    ...textTable(
      tableOf(document.tasks, [
        { title: 'task', text: ({ task }) => task },
        numeric('positive', ({ positive }) => count(positive)),
        numeric('negative', ({ negative }) => count(negative)),
        numeric('open', ({ open }) => count(open)),
        numeric('late', ({ late }) => count(late)),
        numeric('revoked', ({ revoked }) => count(revoked)),
      ]),
    ),
    '',
    `next: tributary prepare ${dataset} --out data/next`,
  ].join('\n');
}

/** The numbers that are not 0, behind the first. */
const listed = (first: string, others: [number, string][]): string => {
  const parts = others.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`);
  return parts.length === 0 ? first : `${first}; left out: ${parts.join(', ')}`;
};

const reactionText = ({ received, matched, unmatched, duplicates }: JoinDocument['interactions']): string =>
  `${count(received)}: ${count(matched)} of shown items, ${count(unmatched)} without an answer${duplicates === 0 ? '' : `; ${count(duplicates)} duplicates`}`;

function warnings({ read, later, future }: JoinDocument): string[] {
  return [
    ...(read.damaged > 0
      ? [`  damaged       ${count(read.damaged)} lines are no events; tributary log check names them`]
      : []),
    ...(read.lost > 0 ? [`  lost          ${count(read.lost)} events, as the gaps of the log say`] : []),
    ...(later > 0 ? [`  later         ${count(later)} events are after that time and do not count yet`] : []),
    ...(future > 0
      ? [`  clocks        ${count(future)} events have a time in the future: check the clocks of their senders`]
      : []),
  ];
}
