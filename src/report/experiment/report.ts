/** What a log says of an experiment, as text and as Markdown: the verdict first. */
import type {
  ComparedMetric,
  ExperimentCheck,
  ExperimentReport,
  ExperimentTreatment,
} from '../../documents/experiment/report.ts';
import { markdownText } from '../markdown.ts';
import { count, duration, percent } from '../numbers.ts';
import { markdownTable, numeric, type Table, tableOf, textTable } from '../table.ts';

export function experimentText(document: ExperimentReport): string {
  const parts = sections(document);
  return [
    ...parts.head,
    '',
    ...parts.tables.flatMap(({ title, table, notes }) => [title, ...textTable(table), ...notes, '']),
    ...parts.end,
  ].join('\n');
}

export function experimentMarkdown(document: ExperimentReport): string {
  const parts = sections(document);
  return [
    `# Experiment ${markdownText(document.key)}`,
    '',
    ...parts.head.map((line) => (line === '' ? '' : `- ${markdownText(line.trim())}`)),
    '',
    ...parts.tables.flatMap(({ title, table, notes }) => [
      `## ${markdownText(title)}`,
      '',
      ...markdownTable(table),
      '',
      ...notes.map(markdownText),
      '',
    ]),
    ...parts.end.map(markdownText),
    '',
  ].join('\n');
}

interface Section {
  title: string;
  table: Table;
  notes: string[];
}

function sections(document: ExperimentReport): { head: string[]; tables: Section[]; end: string[] } {
  return {
    head: [...experimentVerdict(document), '', ...contextLines(document)],
    tables: [
      armsSection(document),
      checksSection(document),
      ...document.treatments.flatMap((treatment) => treatmentSections(treatment, document)),
      ...(document.shadow.length === 0 ? [] : [shadowSection(document)]),
    ],
    end: [`read in ${duration(document.seconds)}`],
  };
}

export function experimentVerdict({ treatments, interleaving, shadow, mode }: ExperimentReport): string[] {
  const [overall] = shadow;
  if (mode === 'shadow')
    return overall === undefined
      ? ['no answer has scores of the shadow']
      : [
          `${overall.model} would show the same first item in ${percent(round(overall.sameFirst))} of the answers, and ${percent(round(overall.overlap))} of the shown items. A shadow says nothing of what users do.`,
        ];
  if (mode === 'interleave')
    return interleaving.length === 0
      ? ['no interleaved answer has a unit']
      : interleaving.map(({ sentence }) => sentence);
  return treatments.map(({ arm, sentence }) => `${arm}: ${sentence}`);
}

const round = (x: number): number => Number(x.toPrecision(3));

function contextLines(document: ExperimentReport): string[] {
  const { key, period, before, method, looks, configured, unitsADay, mode, asOf } = document;
  return [
    `experiment  ${key} (${mode}), ${period.first} to ${period.last}, as of ${asOf}`,
    `units       ${count(Math.round(unitsADay))} new ones a day; ${count(before.units)} were seen in the ${round(before.days)} days before`,
    ...(mode === 'split' ? [`intervals   ${looksText(method, looks)}`] : []),
    ...(period.earlier > 0
      ? [`left out    ${count(period.earlier)} answers under earlier versions than ${period.version} or without a unit`]
      : []),
    ...(period.repeated > 0
      ? [`left out    ${count(period.repeated)} answers to a request id that was answered before`]
      : []),
    ...(configured || mode !== 'split'
      ? []
      : [
          'defaults    no configuration was given: all types of interactions decide, arms have equal weights (--config)',
        ]),
  ];
}

export function looksText(method: ExperimentReport['method'], looks: ExperimentReport['looks']): string {
  if (method === 'always-valid' || looks === null) return 'hold at any time: look as often as you like';
  const { planned, taken, decided } = looks;
  const at = taken === 0 ? 'none was taken' : `the last one at ${count(planned[taken - 1])} units`;
  return `hold at planned looks: ${taken} of ${planned.length} taken, ${at}${decided === null ? '' : '; it decides'}`;
}

const armsSection = ({ arms, mode }: ExperimentReport): Section => {
  type Arm = ExperimentReport['arms'][number];
  const ms = (of: (latency: NonNullable<Arm['latency']>) => number) => (arm: Arm) =>
    arm.latency === null ? '-' : of(arm.latency).toFixed(1);
  const table = tableOf(arms, [
    { title: 'arm', text: ({ arm }) => arm },
    numeric<Arm>('weight', ({ weight }) => (weight === null ? '-' : String(round(weight)))),
    numeric<Arm>('units', ({ units }) => count(units)),
    numeric<Arm>('answers', ({ answers }) => count(answers)),
    numeric<Arm>('items', ({ items }) => count(items)),
    numeric<Arm>('failed', ({ failed }) => count(failed)),
    numeric<Arm>(
      'mean ms',
      ms(({ mean }) => mean),
    ),
    numeric<Arm>(
      'p99 ms',
      ms(({ p99 }) => p99),
    ),
    { title: 'models', text: ({ models }) => Object.keys(models).join(', ') },
  ]);
  const notes = mode === 'interleave' ? ['all arms rank each answer: answers and units are those of all'] : [];
  return { title: 'arms', table, notes };
};

const STATES = { sound: 'ok', look: 'look', broken: 'BROKEN' };

const checksSection = ({ checks }: ExperimentReport): Section => ({
  title: 'checks',
  table: tableOf(checks, [
    { title: '', text: ({ state }: ExperimentCheck) => STATES[state] },
    { title: 'check', text: ({ check }) => check },
    { title: 'found', text: ({ sentence }) => sentence },
  ]),
  notes: [],
});

function treatmentSections(treatment: ExperimentTreatment, document: ExperimentReport): Section[] {
  const { arm, metrics, cells, heterogeneity } = treatment;
  const [control] = document.arms;
  const cuped = metrics.some((metric) => metric.cuped !== null)
    ? ['left: variance that the time before the experiment leaves (CUPED); differences are after that adjustment']
    : [];
  const notes = [
    ...new Set(
      metrics.map(
        ({ role, level }) =>
          `${role}: ${role === 'success' ? 'intervals' : 'one-sided bounds'} of ${percent(round(100 - 100 * level) / 100)}`,
      ),
    ),
    ...cuped,
  ];
  const main: Section = { title: `${arm} against ${control.arm}`, table: metricTable(metrics), notes };
  if (cells.length === 0) return [main];
  const notesOfCells = [
    'cells explain, they decide nothing; *: stands out among all cells (false ones are at most 5 % of these)',
    ...heterogeneity.map(
      ({ metric, p, tau, I2 }) =>
        `${metric}: effects differ between scenarios with p = ${round(p)}, standard deviation ${round(tau)}, ${percent(round(I2))} of the spread is not chance`,
    ),
  ];
  return [main, { title: `${arm} by scenario`, table: cellTable(cells), notes: notesOfCells }];
}

const short = (x: number | null | undefined): string =>
  x === null || x === undefined ? '-' : String(Number(x.toPrecision(4)));
const signed = (x: number | null): string => (x === null ? '-' : `${x > 0 ? '+' : ''}${Number(x.toPrecision(3))}`);
const share = (x: number | null | undefined): string =>
  x === null || x === undefined ? '-' : `${x > 0 ? '+' : ''}${Number((100 * x).toPrecision(3))} %`;

const metricTable = (metrics: readonly ComparedMetric[]): Table =>
  tableOf(metrics, [
    { title: 'metric', text: ({ metric }: ComparedMetric) => metric },
    { title: 'role', text: ({ role }) => role },
    numeric<ComparedMetric>('control', ({ control }) => short(control)),
    numeric<ComparedMetric>('treatment', ({ treatment }) => short(treatment)),
    numeric<ComparedMetric>('difference', ({ difference }) => signed(difference.estimate)),
    numeric<ComparedMetric>('low', ({ difference }) => signed(difference.low)),
    numeric<ComparedMetric>('high', ({ difference }) => signed(difference.high)),
    numeric<ComparedMetric>('relative', ({ relative }) => share(relative?.estimate)),
    numeric<ComparedMetric>('margin', ({ margin }) => (margin === null ? '-' : String(margin))),
    numeric<ComparedMetric>('left', ({ cuped }) => (cuped === null ? '-' : percent(round(cuped.varianceRatio)))),
    { title: 'finding', text: ({ finding }) => finding },
  ]);

type Cell = ExperimentTreatment['cells'][number];

const cellTable = (cells: readonly Cell[]): Table =>
  tableOf(cells, [
    { title: 'scenario', text: ({ scenario }: Cell) => scenario },
    { title: 'metric', text: ({ metric }) => metric },
    numeric<Cell>('units', ({ units }) => `${count(units.control)} / ${count(units.treatment)}`),
    numeric<Cell>('control', ({ control }) => short(control)),
    numeric<Cell>('treatment', ({ treatment }) => short(treatment)),
    numeric<Cell>('difference', ({ difference }) => signed(difference.estimate)),
    numeric<Cell>('low', ({ difference }) => signed(difference.low)),
    numeric<Cell>('high', ({ difference }) => signed(difference.high)),
    numeric<Cell>('shrunk', ({ shrunk }) => signed(shrunk)),
    numeric<Cell>('e-value', ({ eValue }) => (eValue >= 1e4 ? eValue.toExponential(1) : short(eValue))),
    { title: '', text: ({ found }) => (found ? '*' : '') },
  ]);

type Shadow = ExperimentReport['shadow'][number];

const shadowSection = ({ shadow }: ExperimentReport): Section => ({
  title: 'shadow',
  table: tableOf(shadow, [
    { title: 'model', text: ({ model }: Shadow) => model },
    { title: 'scenario', text: ({ scenario }) => scenario ?? 'all' },
    numeric<Shadow>('answers', ({ answers }) => count(answers)),
    numeric<Shadow>('same first', ({ sameFirst }) => percent(round(sameFirst))),
    numeric<Shadow>('same items', ({ overlap }) => percent(round(overlap))),
    numeric<Shadow>('score less', ({ meanDifference }) => signed(meanDifference)),
    numeric<Shadow>('apart by', ({ meanAbsolute }) => short(meanAbsolute)),
  ]),
  notes: ['score less: score of the shadow less that of the answer; apart by: mean distance'],
});
