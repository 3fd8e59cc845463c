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
