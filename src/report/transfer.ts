/** What sharing is worth in each cell, and where it hurts: what `transfer` found. */
import { oneLine } from '../base/one-line.ts';
import type {
  TransferCell,
  TransferComparison,
  TransferDocument,
  TransferFlow,
  TransferSource,
} from '../documents/transfer.ts';
import { FLOW_TITLES, linesByCell, THE_FLOW } from './flows.ts';
import { markdownText } from './markdown.ts';
import { count, metricText, signed } from './numbers.ts';
import { type Column, markdownTable, numeric, type Table, tableOf, textTable } from './table.ts';

export function transferText(document: TransferDocument): string {
  return [
    transferHeadline(document, oneLine),
    '',
    ...transferFindings(document).map((sentence) => `- ${sentence}`),
    ...sections(document).flatMap(({ title, table }) => ['', title, ...textTable(table)]),
    ...(document.notes.length === 0 ? [] : ['', ...document.notes]),
  ].join('\n');
}

export const transferMarkdown = (document: TransferDocument): string =>
  [
    '# Transfer',
    '',
    transferHeadline(document, markdownText),
    '',
    ...transferFindings(document).map((sentence) => `- ${markdownText(sentence)}`),
    ...sections(document).flatMap(({ title, table }) => ['', title, '', ...markdownTable(table)]),
    ...document.notes.flatMap((note) => ['', markdownText(note)]),
    '',
  ].join('\n');

export function transferHeadline(
  { data, rows, of, validationRows, run, against }: TransferDocument,
  text: (of: string) => string,
): string {
  const whose =
    run === undefined ? `Transfer between the cells of ${text(data)}` : `Transfer in the model of ${text(run)}`;
  const other = against === undefined ? '' : `, compared with ${text(against)}`;
  const drawn = rows === of ? count(rows) : `${count(rows)} of ${count(of)}`;
  return `${whose}${other}: learned from ${drawn} training rows, measured on ${count(validationRows)} validation rows`;
}

const cellOf = ({ scenario, task }: { scenario: string; task: string }): string => `${oneLine(scenario)}/${task}`;

const change = ({ value, low, high }: { value: number; low: number; high: number }): string =>
  `${signed(value)} [${signed(low)}, ${signed(high)}]`;

const strength = ({ value, low, high }: { value: number; low: number; high: number }): string =>
  `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;

/** Cells named in one sentence at most; the table has all. */
const NAMED = 6;

const transferFindings = (document: TransferDocument): string[] => [
  ...negativeTransfer(document),
  ...sharingWorth(document),
  ...sourcesWorth(document),
];

/** The largest changes by name, as many as a sentence has. */
function largest(changes: readonly { name: string; aucChange: TransferComparison['aucChange'] }[]): string {
  const sorted = changes.toSorted((a, b) => Math.abs(b.aucChange.value) - Math.abs(a.aucChange.value));
  const names = sorted.slice(0, NAMED).map(({ name, aucChange }) => `${name} ${change(aucChange)}`);
  if (sorted.length > NAMED) names.push(`${sorted.length - NAMED} more`);
  return names.join(', ');
}

/** What sharing brings, on average and in the cells where it is clear. */
export function sharingWorth(document: TransferDocument): string[] {
  return [
    ...worth(document.cells, 'selective', 'sharing where cells have something in common', 'its own rows alone'),
    ...worth(document.cells, 'everything', 'sharing everything alike', 'its own rows alone'),
    ...worth(document.cells, 'models', 'the model', `that of ${oneLine(document.against ?? '')}`),
  ];
}

/** Which single scenario helps which cell, and which hurts it, the largest changes first. */
export function sourcesWorth({ sources = [] }: TransferDocument): string[] {
  if (sources.length === 0) return [];
  const listed = (verdict: keyof typeof VERBS): string => {
    const own = sources.filter((pair) => pair.verdict === verdict);
    const named = largest(
      own.map(({ source, target, task, aucChange }) => ({
        name: `${oneLine(source)} -> ${oneLine(target)}/${task}`,
        aucChange,
      })),
    );
    return own.length === 0 ? '' : `${own.length} of ${sources.length} ${VERBS[verdict]}: ${named}`;
  };
  const parts = [listed('gains'), listed('loses')].filter((part) => part !== '');
  const found = parts.length === 0 ? 'no pair has a difference beyond chance' : parts.join('; ');
  return [`The rows of one other scenario, taken as if they were the cell's own: ${found}.`];
}

const VERBS = { gains: 'help', loses: 'hurt' } as const;

/** One sentence for each flow that passes where the labels have none of it, the costliest first; or that there is none. */
export function negativeTransfer({ flows, source }: TransferDocument): string[] {
  const who = source === 'model' ? 'the model' : 'a ranker that shares everything';
  const tested = flows.filter(({ negative }) => negative !== null);
  if (tested.length === 0)
    return ['Negative transfer cannot be tested: the labels prove no flow that exists useless in any cell.'];
  const found = tested.flatMap(({ measured, ...flow }) =>
    flow.negative && measured !== null ? [{ ...flow, measured }] : [],
  );
  const of = `${tested.length} ${tested.length === 1 ? 'flow of a cell' : 'flows of cells'} that the labels prove useless`;
  if (found.length === 0) return [`No negative transfer found: ${who} lets through nothing of the ${of}.`];
  const byCost = found.toSorted((a, b) => b.measured.aucChange.value - a.measured.aucChange.value);
  return [
    `Negative transfer in ${found.length} of the ${of}:`,
    ...byCost.map(
      ({ measured, ...flow }) =>
        `${cellOf(flow)}: ${who} lets ${THE_FLOW[flow.flow - 1]} through at strength ${strength(measured.model)}, the labels carry ` +
        `${strength(measured.labels)}; without it AUC changes by ${change(measured.aucChange)}, log loss by ${change(measured.loglossChange)}.`,
    ),
  ];
}

/** Which cells gain and which lose, with the figures of the largest changes. */
function worth(
  cells: readonly TransferCell[],
  kind: 'selective' | 'everything' | 'models',
  what: string,
  against: string,
): string[] {
  const known = cells.flatMap((cell) => {
    const comparison = cell[kind];
    return comparison === null ? [] : [{ ...cell, comparison }];
  });
  if (known.length === 0) return [];
  const mean = known.reduce((sum, { comparison }) => sum + comparison.aucChange.value, 0) / known.length;
  const listed = (verdict: TransferComparison['verdict']): string =>
    largest(
      known
        .filter(({ comparison }) => comparison.verdict === verdict)
        .map(({ comparison: { aucChange }, ...cell }) => ({ name: cellOf(cell), aucChange })),
    );
  const [gains, loses] = [listed('gains'), listed('loses')];
  const parts = [
    ...(gains === '' ? [] : [`gains: ${gains}`]),
    ...(loses === '' ? [] : [`loses: ${loses}`]),
    ...(gains === '' && loses === '' ? ['no cell has a difference beyond chance'] : []),
  ];
  return [
    `${capital(what)} against ${against}: AUC ${signed(mean)} on average over ${known.length} cells; ${parts.join('; ')}.`,
  ];
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

const MARK = { gains: '', loses: ' loses', undecided: ' ?' } as const;

function sections(document: TransferDocument): { title: string; table: Table }[] {
  return [
    {
      title:
        'AUC of each cell: from its own rows alone, and how sharing changes it (95 % interval; ?: no difference beyond chance)',
      table: cellTable(document),
    },
    ...document.tasks.flatMap((task) => {
      const own = (document.sources ?? []).filter((pair) => pair.task === task);
      if (own.length === 0) return [];
      const title = `${oneLine(task)}: change of AUC in each target (lines) by the rows of one source (columns; ?: no difference beyond chance)`;
      return [{ title, table: sourceTable(own, document.scenarios) }];
    }),
    {
      title:
        "Strength of each flow, labels : ranker, 1 = the flow's usual one (no: proven useless by the labels; negative: passes all the same)",
      table: flowTable(document),
    },
  ];
}

function cellTable({ cells, run, against }: TransferDocument): Table {
  const compared = (title: string, kind: 'selective' | 'everything' | 'models'): Column<TransferCell> =>
    numeric(title, (cell) => {
      const comparison = cell[kind];
      return comparison === null ? '-' : `${change(comparison.aucChange)}${MARK[comparison.verdict].padEnd(6)}`;
    });
  return tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    numeric('rows', ({ rows }) => count(rows)),
    numeric('positives', ({ positives }) => count(positives)),
    numeric('alone', ({ selective }) => metricText(selective?.againstAuc)),
    compared('selective sharing', 'selective'),
    compared('sharing everything', 'everything'),
    ...(run === undefined || against === undefined
      ? []
      : [
          numeric<TransferCell>('against', ({ models }) => metricText(models?.againstAuc)),
          compared('model', 'models'),
        ]),
  ]);
}

/** A line for each target, a column for each source. */
function sourceTable(pairs: readonly TransferSource[], scenarios: readonly string[]): Table {
  const text = (source: string, target: string): string => {
    const pair = pairs.find((one) => one.source === source && one.target === target);
    return pair === undefined ? '-' : `${signed(pair.aucChange.value)}${MARK[pair.verdict].padEnd(6)}`;
  };
  return tableOf(scenarios, [
    { title: 'target', text: (target) => target },
    ...scenarios.map((source) => numeric<string>(`${source} ->`, (target) => text(source, target))),
  ]);
}

/** A line for each cell; flows that do not exist are left out. */
function flowTable(document: TransferDocument): Table {
  const cells = linesByCell(document);
  type Cell = (typeof cells)[number];
  return tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    ...FLOW_TITLES.map((title, k) => numeric<Cell>(title, ({ own }) => strengths(own[k]))),
  ]);
}

function strengths({ measured, verdict, negative }: TransferFlow): string {
  if (measured === null) return '-'.padEnd(10);
  const mark = negative ? 'negative' : verdict === 'useless' ? 'no' : '';
  return `${measured.labels.value.toFixed(2)} : ${measured.model.value.toFixed(2)} ${mark.padEnd(9)}`;
}
