/** A round of the loop as text: the decision and its reasons, then the figures. */
import type { Round } from '../../documents/loop/round.ts';
import { count } from '../numbers.ts';
import { numeric, tableOf, textTable } from '../table.ts';

const TITLES = {
  loaded: 'serves now',
  ready: 'may serve',
  refused: 'is refused: the old model stays',
  abandoned: 'was given up',
} as const;

/** What became of a round, in a sentence. */
export const roundHeadline = ({ round, day, decision }: Round): string =>
  `round ${round}: the model of ${day} ${decision === undefined ? 'is not decided yet' : TITLES[decision.kind]}`;

/** What happened over all rounds: how many were loaded, which gates refused how often, and what serves since when. */
export function loopFinding(rounds: readonly Round[]): string {
  const decided = (kind: keyof typeof TITLES) => rounds.filter(({ decision }) => decision?.kind === kind);
  const refused = decided('refused');
  const failed = refused.flatMap(({ judged }) => (judged?.gates ?? []).filter(({ passed }) => !passed));
  const gates = [...new Set(failed.map(({ gate }) => gate))].map((gate) => {
    const times = failed.filter((one) => one.gate === gate).length;
    return times === 1 ? gate : `${gate} ${times} times`;
  });
  const counts = [
    [decided('loaded').length, 'loaded'],
    [decided('ready').length, 'ready to be served'],
    [refused.length, gates.length === 0 ? 'refused' : `refused (${gates.join(', ')})`],
    [decided('abandoned').length, 'given up'],
    [rounds.filter(({ decision }) => decision === undefined).length, 'not decided yet'],
  ].flatMap(([times, what]) => (times === 0 ? [] : [`${times} ${what}`]));
  const last = decided('loaded').at(-1);
  const serves =
    last === undefined ? '' : `; the model of round ${last.round} serves since ${last.decision?.at.slice(0, 10)}`;
  return `${rounds.length === 1 ? 'Of 1 round' : `Of ${count(rounds.length)} rounds`} ${counts.join(', ')}${serves}.`;
}

/** The whole round. */
export function roundText(round: Round): string {
  const { day, from, joined, prepared, decision, judged } = round;
  const lines = [
    roundHeadline(round),
    `  rows   ${count(joined.rows)} joined${prepared === undefined ? '' : `; ${count(prepared.train)} trained (${from === null ? 'all days' : `from ${from}`}), ${count(prepared.test)} of ${day} judged`}`,
  ];
  if (judged === undefined) return lines.join('\n');
  return [
    ...lines,
    ...judged.gates.map(({ gate, passed, sentence }) => `  ${passed ? 'holds' : 'FAILS'}  ${gate}: ${sentence}`),
    ...(decision === undefined ? [] : [`  ${decision.kind}: ${decision.sentence}`]),
    '',
    ...cellsText(judged.cells),
  ].join('\n');
}

type Cells = NonNullable<Round['judged']>['cells'];

function cellsText(cells: Cells): string[] {
  const value =
    (of: (auc: NonNullable<Cells[number]['auc']>) => number) =>
    ({ auc }: Cells[number]) =>
      auc === null ? '-' : of(auc).toFixed(4);
  const table = tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    numeric<Cells[number]>('positives', ({ positives }) => count(positives)),
    numeric<Cells[number]>(
      'serving',
      value(({ serving }) => serving),
    ),
    numeric<Cells[number]>(
      'new',
      value(({ next }) => next),
    ),
    numeric<Cells[number]>(
      'difference',
      value(({ difference }) => difference.value),
    ),
    numeric<Cells[number]>(
      'low',
      value(({ difference }) => difference.low),
    ),
    numeric<Cells[number]>(
      'high',
      value(({ difference }) => difference.high),
    ),
  ]);
  return textTable(table);
}

/** One line for each round, newest last. */
export function roundsText(rounds: readonly Round[]): string {
  if (rounds.length === 0) return 'no round has begun';
  const table = tableOf(rounds, [
    numeric<Round>('round', ({ round }) => String(round)),
    { title: 'day', text: ({ day }) => day },
    numeric<Round>('rows', ({ prepared }) => (prepared === undefined ? '-' : count(prepared.train))),
    numeric<Round>('serving', ({ judged }) => judged?.auc.serving?.toFixed(4) ?? '-'),
    numeric<Round>('new', ({ judged }) => judged?.auc.next?.toFixed(4) ?? '-'),
    { title: 'decision', text: ({ decision }) => decision?.kind ?? 'in progress' },
    {
      title: 'because of',
      text: ({ judged }) =>
        judged?.gates
          .filter(({ passed }) => !passed)
          .map(({ gate }) => gate)
          .join(', ') ?? '',
    },
  ]);
  return textTable(table).join('\n');
}
