/** Which flows carry something, in which cells: what `flows --test` found. */
import { oneLine } from '../base/one-line.ts';
import { FLOW_NAMES, type FlowDocument, type StructureChoice, TOO_FEW } from '../documents/flows.ts';
import { markdownText } from './markdown.ts';
import { count, metricText, signed } from './numbers.ts';
import { markdownTable, numeric, type Table, tableOf, textTable } from './table.ts';

export function flowTestText(document: FlowDocument): string {
  const { data, rows, of, notes, source } = document;
  const measured = rows === of ? count(rows) : `${count(rows)} of ${count(of)}`;
  return [
    source === 'model'
      ? `Flows that the model of ${document.run} uses, by its answers to ${measured} validation rows of ${oneLine(data)} in every scenario`
      : `Flows of ${oneLine(data)}, by the labels of ${measured} training rows`,
    '',
    ...flowSentences(document).map((sentence) => `- ${sentence}`),
    '',
    "Strength of each flow in each cell, 1 = the flow's usual one (no: useless; no?: likely useless; ?: undecided)",
    ...textTable(verdictTable(document)),
    '',
    'Share of what the fields explain, by field and flow (%)',
    ...textTable(shareTable(document)),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ].join('\n');
}

/** The same for a page: the verdict that a model is built from. */
export function flowMarkdown(document: FlowDocument): string[] {
  return [
    `By the labels of ${count(document.rows)} of ${count(document.of)} training rows; certificates from validation rows.`,
    '',
    ...(document.structure === undefined ? [] : [markdownText(structureText(document.structure)), '']),
    ...flowSentences(document).map((sentence) => `- ${markdownText(sentence)}`),
    '',
    "Strength of each flow in each cell, 1 = the flow's usual one (no: useless; no?: likely useless; ?: undecided)",
    '',
    ...markdownTable(verdictTable(document)),
    '',
    'Share of what the fields explain, by field and flow (%)',
    '',
    ...markdownTable(shareTable(document)),
    ...document.notes.flatMap((note) => ['', markdownText(note)]),
  ];
}

/** Which structure a model took, and why. */
export function structureText({ chosen, structures, validationRows, rates }: StructureChoice): string {
  const base = rates === undefined ? '' : `the rates of the cells ${metricText(rates)}; `;
  const found = structures.map(({ structure, logloss, difference, parameters, steps }) => {
    const against =
      difference && `, ${signed(difference.value)} [${signed(difference.low)}, ${signed(difference.high)}]`;
    return `${NAMES[structure]} ${metricText(logloss)}${against ?? ''} (${count(parameters)} parameters, ${count(steps)} steps)`;
  });
  return `${REASONS[chosen]} Log loss of ${count(validationRows)} validation rows after a short training: ${base}${found.join('; ')}.`;
}

const NAMES = {
  verdict: 'the verdict',
  'verdict, all fields shared': 'the same with all fields in the shared flow',
  'keep all': 'everything kept',
} as const;

const REASONS = {
  verdict: 'The model is built from the verdict.',
  'verdict, all fields shared':
    'The model is built from the verdict, but its shared flow reads all fields: with its own fields alone it gains too little.',
  'keep all':
    'All flows are kept, with all fields and in all cells: the model that the verdict gives gains less than 3 % of what is learned.',
} as const;

/** The flows in a sentence. */
export const THE_FLOW = [
  'the shared flow',
  'the specific flow',
  'the task-specific flow',
  'the scenario-specific flow',
];

/** A sentence for each finding: flows that do not exist, cells that gain nothing from one that does, and what is likely. */
export function flowSentences(document: FlowDocument): string[] {
  const { flows, shares, fields, source } = document;
  const sentences = FLOW_NAMES.map((name, k) => {
    const own = fields.filter(({ reads }) => reads[k]).map(({ field }) => field);
    if (own.length === 0) return absentSentence(document, k);
    return `${capital(THE_FLOW[k])} (${name}) carries ${(100 * shares[k]).toFixed(1)} % of what ${source === 'model' ? 'the model takes from fields' : 'fields explain'}, through ${listed(own)}.`;
  }).filter((sentence) => sentence !== '');
  for (const line of flows) {
    const isAbsent = fields.every(({ reads }) => !reads[line.flow - 1]);
    if (isAbsent || (line.verdict !== 'useless' && line.verdict !== 'likely useless')) continue;
    const likely = line.verdict === 'useless' ? '' : 'likely ';
    const cell = `${oneLine(line.scenario)}/${line.task}`;
    const change = line.certificate;
    if (source === 'model') {
      // The change is that of taking the flow away; adding it has the other sign.
      const proof =
        change === null
          ? ''
          : `; with it AUC would change by ${signed(-change.aucChange)} [${signed(-change.aucHigh)}, ${signed(-change.aucLow)}]`;
      sentences.push(`${cell}: the model ${likely}uses nothing of ${THE_FLOW[line.flow - 1]}${proof}.`);
      continue;
    }
    const proof =
      change === null
        ? 'not measured on other rows'
        : `without it AUC changes by ${signed(change.aucChange)} [${signed(change.aucLow)}, ${signed(change.aucHigh)}]`;
    sentences.push(`${cell} ${likely}gains nothing from ${THE_FLOW[line.flow - 1]}; ${proof}.`);
  }
  if (source === 'model') sentences.push(...overused(document));
  const silent = flows.filter(({ verdict }) => verdict === 'useless' || verdict === 'likely useless').length;
  if (source === 'labels' && silent === 0 && shares.some((share) => share > 0))
    sentences.push('No cell can do without a flow that carries something.');
  return sentences;
}

/** Flows that a model uses more than the labels bear out: worth less than half of what it makes of them, beyond doubt. */
function overused({ flows }: FlowDocument): string[] {
  return flows.flatMap(({ scenario, task, flow, verdict, certificate }) =>
    verdict !== 'useful' || certificate === null || certificate.high >= 0.5
      ? []
      : [
          `${oneLine(scenario)}/${task}: the model uses ${THE_FLOW[flow - 1]}, but the labels hold ${certificate.coefficient.toFixed(2)} [${certificate.low.toFixed(2)}, ${certificate.high.toFixed(2)}] of what it makes of it; without it AUC changes by ${signed(certificate.aucChange)} [${signed(certificate.aucLow)}, ${signed(certificate.aucHigh)}].`,
        ],
  );
}

/** Of a flow that no field is seen to feed; empty where there is no such flow. */
function absentSentence({ flows, scenarios, tasks, left = [], absent = [] }: FlowDocument, k: number): string {
  const needs = [[], [scenarios, tasks], [tasks], [scenarios]][k];
  if (needs.some(({ length }) => length < 2)) return '';
  const title = `${THE_FLOW[k]} (${FLOW_NAMES[k]})`;
  const held = left.find(({ flow }) => flow === k + 1);
  if (held !== undefined)
    return `The model takes nothing through ${title}, but the labels hold effects of ${listed(held.fields)} there that its answers leave out: it is not trained to its end, or cannot express them.`;
  const most = absent.find(({ flow }) => flow === k + 1);
  if (most === undefined) return `No field is seen to feed ${title}: nothing is claimed about it.`;
  const limit = `${(100 * most.share).toFixed(1)} % of what fields explain`;
  return flows.some(({ flow, verdict }) => flow === k + 1 && verdict === 'useless')
    ? `No field feeds ${title}: none brings more than ${limit} to it (95 %, at one strength in all cells).`
    : `No field is seen to feed ${title}, but ${most.field} could bring up to ${limit} (95 %): more rows may show it.`;
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

const listed = (names: readonly string[]): string =>
  names.length <= 6 ? names.join(', ') : `${names.slice(0, 6).join(', ')} and ${names.length - 6} more`;

const MARK = { useful: '', useless: ' no', 'likely useless': ' no?', undecided: ' ?' } as const;

/** Short names of the flows, numbered as in the documentation. */
export const FLOW_TITLES = ['1 shared', '2 specific', '3 task-specific', '4 scenario-specific'];

/** The lines of each cell, flow by flow. */
export const linesByCell = <L extends { scenario: string; task: string }>(document: {
  flows: readonly L[];
  scenarios: readonly string[];
  tasks: readonly string[];
}): { scenario: string; task: string; own: L[] }[] =>
  document.scenarios.flatMap((scenario) =>
    document.tasks.map((task) => ({
      scenario,
      task,
      own: document.flows.filter((line) => line.scenario === scenario && line.task === task),
    })),
  );

const strengthText = ({ strength, verdict, reason }: FlowDocument['flows'][number]): string =>
  `${reason === TOO_FEW ? '-' : strength.toFixed(2)}${MARK[verdict].padEnd(4)}`;

/** A line per cell: each flow's strength with its mark ("no": useless). */
function verdictTable(document: FlowDocument): Table {
  const cells = linesByCell(document);
  type Cell = (typeof cells)[number];
  return tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    ...FLOW_TITLES.map((title, k) => numeric<Cell>(title, ({ own }) => strengthText(own[k]))),
  ]);
}

/** A line per field: its share of the explained variance in each flow, in percent. */
function shareTable({ fields, shares }: FlowDocument): Table {
  const percent = (share: number): string => (share === 0 ? '-' : (100 * share).toFixed(1));
  const lines = [...fields, { field: 'all', share: shares }];
  type Line = Pick<(typeof lines)[number], 'share'>;
  return tableOf(lines, [
    { title: 'field', text: ({ field }) => field },
    ...FLOW_TITLES.map((title, k) => numeric<Line>(title, ({ share }) => percent(share[k]))),
  ]);
}
