/** What a replay found, as text: the verdict in a sentence, then diagnostics and estimates. */
import type { ReplayDocument } from '../../documents/loop/replay.ts';
import { count, duration, metricText, percent, signed } from '../numbers.ts';
import { numeric, type Table, tableOf, textTable } from '../table.ts';

export function replayText(document: ReplayDocument): string {
  const { estimates, refusals, seconds } = document;
  return [
    replayVerdict(document),
    '',
    ...requestLines(document),
    '',
    ...(document.diagnostics.length === 0 ? [] : [...textTable(diagnosticsTable(document)), WEIGHTS, '']),
    ...(estimates.length === 0 ? [] : [...textTable(estimatesTable(document)), ...assumptions(document), '']),
    ...(refusals.length === 0 ? setAside(document) : []),
    `replayed in ${duration(seconds)}`,
  ].join('\n');
}

const FINDINGS = {
  better: 'It is better.',
  worse: 'It is worse.',
  undecided: 'The log cannot tell them apart.',
};

export function replayVerdict({ policy, estimates, served, verdict, reward, requests }: ReplayDocument): string {
  const [first] = estimates;
  if (first === undefined || served === null || verdict === null)
    return `The log cannot say what ${policy} would bring.`;
  const { difference } = first;
  const what = requests.deterministic > 0 ? 'what served brings' : 'the random orders that served bring';
  return (
    `${policy} would bring ${metricText(first.estimate)} ${rewardText(reward)} a request, ${what} ${metricText(served.estimate)}: ` +
    `${signed(difference.estimate)}, 95 % interval ${signed(difference.low)} to ${signed(difference.high)} (${first.name}). ${FINDINGS[verdict]}`
  );
}

const rewardText = (reward: ReplayDocument['reward']): string =>
  Object.entries(reward)
    .map(([type, worth]) => (worth === 1 ? type : `${worth} x ${type}`))
    .join(' + ');

function requestLines({
  requests,
  fields,
  models,
  recomputed,
  duplicates,
  orphans,
  damaged,
  policy,
}: ReplayDocument): string[] {
  const { impressions, explored, deterministic, interleaved, open, incomplete, otherScenarios, withoutUnit } = requests;
  const left = [
    [interleaved, 'interleaved'],
    [open, 'younger than the window'],
    [incomplete, 'without all candidates'],
    [otherScenarios, 'of other scenarios'],
  ] as const;
  const leftOut = left.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`);
  const rare = fields.filter(({ given }) => given < 1).map(({ field, given }) => `${field} ${percent(given)}`);
  return [
    `requests    ${count(impressions)}: ${count(explored)} explored, ${count(deterministic)} by falling score`,
    ...(leftOut.length === 0 ? [] : [`left out    ${leftOut.join(', ')}`]),
    ...(withoutUnit === 0 ? [] : [`units       ${count(withoutUnit)} requests have none: each counts as its own`]),
    `answered by ${Object.entries(models)
      .map(([model, n]) => `${model} (${count(n)})`)
      .join(', ')}`,
    ...(fields.length === 0
      ? []
      : [
          rare.length === 0
            ? `fields      all ${fields.length} of the artifact have values`
            : `fields      items with a value: ${rare.join(', ')}; the others all`,
        ]),
    ...(recomputed.requests === 0
      ? []
      : [
          `same model  ${count(recomputed.requests)} requests were answered by ${policy}: probabilities differ by up to ${recomputed.largest.toExponential(1)}`,
        ]),
    `events      ${count(duplicates)} duplicates, ${count(orphans)} without a request, ${count(damaged)} damaged lines`,
  ];
}

const KINDS = { item: 'item', position: 'item and position', list: 'list so far' };
const WEIGHTS =
  'effective: rows of equal weight that would be as certain; rarest: smallest chance of what was shown; support: what the judged policy does and the log may hold';

const diagnosticsTable = ({ diagnostics }: ReplayDocument): Table =>
  tableOf(diagnostics, [
    { title: 'weights of', text: ({ weights }) => KINDS[weights] },
    numeric('rows', ({ rows }) => count(rows)),
    numeric('units', ({ units }) => count(units)),
    numeric('effective', ({ effectiveRows }) => count(Math.round(effectiveRows))),
    numeric('largest', ({ largestWeight }) => short(largestWeight)),
    numeric('rarest', ({ smallestPropensity }) => short(smallestPropensity)),
    numeric('mean', ({ meanWeight, seWeight }) => `${meanWeight.toFixed(3)} +- ${seWeight.toFixed(3)}`),
    numeric('support', ({ support }) => `${(100 * support).toFixed(1)} %`),
    { title: '', text: ({ refusals }) => refusals.map(({ code }) => code).join(', ') },
  ]);

const short = (x: number): string => (x >= 1e6 ? x.toExponential(1) : String(Number(x.toPrecision(3))));

function estimatesTable({ estimates }: ReplayDocument): Table {
  type Line = ReplayDocument['estimates'][number];
  const figures = (group: string, of: (line: Line) => Line['difference'], text: (x: number) => string) =>
    (['estimate', 'low', 'high'] as const).map((key) => ({
      ...numeric<Line>(key, (line) => text(of(line)[key])),
      group,
    }));
  return tableOf(estimates, [
    { title: 'estimator', text: ({ name }) => name },
    ...figures('reward of a request', (line) => line, metricText),
    ...figures('less what served', ({ difference }) => difference, signed),
  ]);
}

/** A line per assumption. */
const assumptions = ({ estimates }: ReplayDocument): string[] =>
  [...new Set(estimates.map(({ assumption }) => assumption))].map((assumption) => {
    const names = estimates.filter((line) => line.assumption === assumption).map(({ name }) => name);
    return `${names.join(', ')}: right if ${assumption}`;
  });

/** Weights that were not good enough, where others were. */
const setAside = ({ diagnostics }: ReplayDocument): string[] =>
  diagnostics.flatMap(({ weights, refusals }) =>
    refusals.map(({ code, reason }) => `no estimates by ${KINDS[weights]} (${code}): ${reason}`),
  );
