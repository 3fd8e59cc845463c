/** Is live data like training data? */
import { oneLine } from '../../base/one-line.ts';
import type { DriftDocument, DriftField, DriftSequence } from '../../documents/loop/drift.ts';
import { count, duration, metricText, percent } from '../numbers.ts';
import { numeric, type Table, tableOf, textTable } from '../table.ts';

/** By custom: below the first alike, from the second on another population. */
const [ALIKE, OTHER] = [0.1, 0.25];

export const driftText = (document: DriftDocument): string =>
  [
    ...driftHeadline(document),
    '',
    ...driftFindings(document).map((sentence) => `- ${sentence}`),
    '',
    ...textTable(fieldTable(document)),
    '',
    ...textTable(scenarioTable(document)),
    ...(document.cells.length === 0 ? [] : ['', ...textTable(scoreTable(document))]),
    '',
    'PSI: population stability index; by custom below 0.1 the same population, from 0.25 on another one. By chance: what two samples of one population give.',
    ...leftLines(document),
    ...document.notes,
    duration(document.seconds),
  ].join('\n');

export function driftHeadline({ log, artifact, answers, rows, trainingRows, first, last }: DriftDocument): string[] {
  const times = first === null ? '' : ` from ${minute(first)} to ${minute(last ?? first)} UTC`;
  return [
    `${count(rows)} items shown in ${count(answers)} answers of ${oneLine(log)}${times}, against ${count(trainingRows)} training rows of ${oneLine(artifact.name)}@${artifact.id}`,
  ];
}

const minute = (time: string): string => time.slice(0, 16).replace('T', ' ');

export function driftFindings({ answers, rows, fields, sequences = [], cells }: DriftDocument): string[] {
  if (rows === 0) return ['No answer of this log can be compared.'];
  const clear = (psi: number, byChance: number): boolean => psi >= OTHER && psi > 2 * byChance;
  const other = fields.filter(({ psi, byChance }) => clear(psi, byChance));
  const moved = fields.filter(({ psi, byChance }) => psi >= ALIKE && psi > 2 * byChance && !clear(psi, byChance));
  const unknown = fields.filter(({ outOfVocabulary: { training, live } }) => live - training >= 0.05);
  const scores = cells.filter(({ psi, byChance }) => clear(psi, byChance));
  return [
    other.length === 0
      ? 'No field has another population than the training rows.'
      : `Another population than the training rows: ${other.map(shown).join(', ')}.`,
    ...(moved.length === 0 ? [] : [`Moved: ${moved.map(shown).join(', ')}.`]),
    ...(unknown.length === 0
      ? []
      : [
          `More values out of vocabulary: ${unknown.map(({ field, outOfVocabulary: { training, live } }) => `${oneLine(field)} (${percent(training)} -> ${percent(live)})`).join(', ')}.`,
        ]),
    ...(scores.length === 0
      ? []
      : [
          `Probabilities moved in ${scores.map(({ scenario, task, psi }) => `${oneLine(scenario)}/${task} (${psi.toFixed(3)})`).join(', ')}.`,
        ]),
    ...sequences.map((sequence) => sequenceFinding(sequence, answers)),
  ];
}

function sequenceFinding(
  { type, given, items, length, full, outOfVocabulary }: DriftSequence,
  answers: number,
): string {
  const name = `Sequence ${oneLine(type)}`;
  if (given === 0) return `${name}: no request brought items.`;
  const lengths = `${(items / given).toFixed(1)} of them on average, all ${length} that the model reads in ${percent(full / given)}`;
  return `${name}: ${percent(given / answers)} of the requests brought items, ${lengths}; ${percent(outOfVocabulary / items)} of the items are unknown.`;
}

const shown = ({ field, psi }: DriftField): string => `${oneLine(field)} (${psi.toFixed(3)})`;

const fieldTable = ({ fields }: DriftDocument): Table =>
  tableOf(fields, [
    { title: 'field', text: ({ field }) => field },
    numeric('PSI', ({ psi }) => psi.toFixed(4)),
    numeric('by chance', ({ byChance }) => byChance.toFixed(4)),
    numeric('unknown in training', ({ outOfVocabulary }) => percent(outOfVocabulary.training)),
    numeric('live', ({ outOfVocabulary }) => percent(outOfVocabulary.live)),
    numeric('values', ({ values }) => count(values)),
  ]);

const scenarioTable = ({ scenarios }: DriftDocument): Table =>
  tableOf(scenarios, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    numeric('share in training', ({ training }) => percent(training)),
    numeric('live', ({ live }) => percent(live)),
  ]);

const scoreTable = ({ cells }: DriftDocument): Table =>
  tableOf(cells, [
    { title: 'probabilities of', text: ({ scenario, task }) => `${scenario}/${task}` },
    numeric('PSI', ({ psi }) => psi.toFixed(4)),
    numeric('by chance', ({ byChance }) => byChance.toFixed(4)),
    numeric('mean on validation rows', ({ mean }) => metricText(mean.training)),
    numeric('live', ({ mean }) => metricText(mean.live)),
    numeric('items', ({ rows }) => count(rows)),
  ]);

function leftLines({ left }: DriftDocument): string[] {
  const parts = [
    [left.withoutValues, 'without values'],
    [left.otherScenarios, 'in other scenarios'],
    [left.misfits, 'with values that do not fit'],
    [left.duplicates, 'duplicates'],
    [left.damaged, 'damaged lines'],
  ] as const;
  const found = parts.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`);
  return found.length === 0 ? [] : [`Left out: ${found.join(', ')}.`];
}
