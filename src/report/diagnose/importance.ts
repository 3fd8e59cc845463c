/** What each field is worth to a run. */
import { oneLine } from '../../base/one-line.ts';
import type { ImportanceDocument, ImportanceEffect, ImportanceFeature } from '../../documents/diagnose/importance.ts';
import { markdownText } from '../markdown.ts';
import { count, duration, signed } from '../numbers.ts';
import { type Column, markdownTable, numeric, type Table, tableOf, textTable } from '../table.ts';

const WIDTH = 120;

export const importanceText = (document: ImportanceDocument): string =>
  [
    ...headline(document),
    '',
    ...findings(document).map((sentence) => `- ${sentence}`),
    '',
    ...textTable(meanTable(document), WIDTH),
    '',
    CELLS_TITLE,
    ...textTable(cellTable(document), WIDTH),
    '',
    ...notes(document),
    duration(document.seconds),
  ].join('\n');

export const importanceMarkdown = (document: ImportanceDocument): string =>
  [
    '# Importance of fields',
    '',
    ...headline(document).map(markdownText),
    '',
    ...findings(document).map((sentence) => `- ${markdownText(sentence)}`),
    '',
    ...markdownTable(meanTable(document)),
    '',
    CELLS_TITLE,
    '',
    ...markdownTable(cellTable(document)),
    '',
    ...notes(document).map(markdownText),
    '',
  ].join('\n');

/** The result in a sentence. */
export function importanceFinding({ features }: ImportanceDocument): string {
  const needed = features.filter(({ aucLoss }) => aucLoss !== null && aucLoss.low > 0).map(({ name }) => name);
  if (needed.length === 0) return 'No field is proven to matter to the model.';
  const more = needed.length > 8 ? ` and ${needed.length - 8} more` : '';
  return `The model needs ${needed.slice(0, 8).join(', ')}${more}; the intervals of ${features.length - needed.length} of ${features.length} contain 0.`;
}

const CELLS_TITLE = 'AUC lost per cell, and half of its 95 % interval';

function headline({ run, rows, of, data, repeats, features }: ImportanceDocument): string[] {
  const drawn = rows === of ? `all ${count(of)}` : `${count(rows)} of ${count(of)}`;
  return [
    `What ${oneLine(run)} loses when the values of one of ${features.length} fields are shuffled within each scenario: ` +
      `${drawn} validation rows of ${oneLine(data)}, ${repeats} ${repeats === 1 ? 'shuffle' : 'shuffles'}`,
  ];
}

/** Fields named in one sentence at most; the table has all. */
const NAMED = 5;

function findings({ features }: ImportanceDocument): string[] {
  const needed = features.filter(({ aucLoss }) => aucLoss !== null && aucLoss.low > 0);
  const harmful = features.filter(({ aucLoss }) => aucLoss !== null && aucLoss.high < 0);
  const unneeded = features.filter(
    ({ varies, cells }) => varies && cells.every(({ aucLoss }) => aucLoss === null || contains0(aucLoss)),
  );
  return [
    needed.length === 0
      ? 'No field is shown to matter: every interval of the mean AUC lost contains 0 or lies below it.'
      : `Most AUC is lost without ${needed.slice(0, NAMED).map(lossOf).join(', ')}.`,
    ...(harmful.length === 0
      ? []
      : [
          `The model ranks better without the values of ${harmful.map(lossOf).join(', ')}: it learned what does not hold.`,
        ]),
    ...(unneeded.length === 0
      ? []
      : [`In no cell shown to matter: ${unneeded.map(({ name }) => oneLine(name)).join(', ')}.`]),
  ];
}

const contains0 = ({ low, high }: ImportanceEffect): boolean => low <= 0 && high >= 0;

const lossOf = ({ name, aucLoss }: ImportanceFeature): string =>
  `${oneLine(name)} (${aucLoss === null ? '-' : aucLoss.value.toFixed(4)})`;

const feature: Column<ImportanceFeature> = {
  title: 'field',
  text: ({ name, members }) => (members === undefined ? name : `${name} (${members.join(', ')})`),
};

const meanTable = ({ features }: ImportanceDocument): Table =>
  tableOf(features, [
    feature,
    numeric('mean AUC lost', ({ aucLoss }) => withInterval(aucLoss)),
    numeric('mean log loss gained', ({ loglossGain }) => withInterval(loglossGain)),
  ]);

const withInterval = (effect: ImportanceEffect | null): string =>
  effect === null ? '-' : `${signed(effect.value)} [${signed(effect.low)}, ${signed(effect.high)}]`;

const cellTable = ({ features, cells }: ImportanceDocument): Table =>
  tableOf(features, [
    { ...feature, text: ({ name }) => name },
    ...cells.map(({ scenario, task }, c) =>
      numeric<ImportanceFeature>(`${scenario} ${task}`, (row) => halfWidth(row.cells[c].aucLoss)),
    ),
  ]);

const halfWidth = (effect: ImportanceEffect | null): string =>
  effect === null ? '-' : `${signed(effect.value)} ±${((effect.high - effect.low) / 2).toFixed(4)}`;

function notes({ groups, cells, features }: ImportanceDocument): string[] {
  const { length: counted } = cells.filter(({ counts }) => counts);
  const unit = groups.of === 'group' ? `${count(groups.count)} groups of rows` : 'rows';
  const still = features.filter(({ varies }) => !varies).map(({ name }) => oneLine(name));
  return [
    `95 % intervals over ${unit} (DeLong's placements of a row as scored and as source of values); each holds on its own.`,
    `Means are of ${counted} of ${cells.length} cells. Fields that repeat each other hide each other: shuffle them together with --group.`,
    ...(still.length === 0
      ? []
      : [`The same in all rows of a scenario, so that nothing can be shuffled: ${still.join(', ')}.`]),
  ];
}
