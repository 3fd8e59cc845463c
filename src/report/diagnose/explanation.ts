/** Why one request is answered as it is. */
import { oneLine } from '../../base/one-line.ts';
import type { ExplainedItem, ExplanationDocument } from '../../documents/diagnose/explanation.ts';
import { count, duration, metricText, signed, timeText } from '../numbers.ts';
import { numeric, type Table, tableOf, textTable } from '../table.ts';

const WIDTH = 120;
/** Items in the terminal; pages have more. */
const SHOWN = 10;

export const explanationText = (document: ExplanationDocument): string =>
  [
    ...explanationFindings(document),
    '',
    `${count(document.candidates)} candidates of ${oneLine(document.scenario)} by ${oneLine(document.model)}; score: ${document.score}`,
    ...textTable(rankingTable(document), WIDTH),
    ...document.explained
      .slice(0, 1)
      .flatMap((item) => [
        '',
        `What the fields of ${oneLine(item.item)} bring: shares of its score, and logits that are lost if a field alone is unknown`,
        ...textTable(fieldTable(document, item), WIDTH),
      ]),
    ...document.notes.flatMap((note) => ['', oneLine(note)]),
    '',
    `${sharesText(document)} ${duration(document.seconds)}`,
  ].join('\n');

/** How shares were found. */
export const sharesText = ({ shares: { method, orders } }: ExplanationDocument): string =>
  method === 'exact'
    ? 'Shares are exact Shapley values: means over all sets of the other fields.'
    : `Shares are Shapley values from ${count(orders)} drawn orders of the fields, with 95 % intervals.`;

/** Fields named in one sentence at most. */
const NAMED = 3;

/** The answer in sentences, the most important first. */
export function explanationFindings(document: ExplanationDocument): string[] {
  const { items, lead, recorded, scenario } = document;
  const [first, second] = items;
  const name = oneLine(first.item);
  const why =
    lead === null || second === undefined
      ? `${name} is ${second === undefined ? 'the only candidate' : 'first'} in ${oneLine(scenario)}, with a score of ${metricText(first.score)}.`
      : `${name} is first in ${oneLine(scenario)}: its score of ${metricText(first.score)} is ${metricText(lead.difference)} above that of ${oneLine(second.item)}. ${leadText(lead)}`;
  return [why, ...(recorded === undefined ? [] : [recordedText(recorded)])];
}

function leadText({ fields, difference }: NonNullable<ExplanationDocument['lead']>): string {
  if (difference === 0) return 'Items of equal score keep the order of the request.';
  const sure = fields.filter(({ share }) => share.low > 0 || share.high < 0);
  const named = (sign: 1 | -1): string =>
    sure
      .filter(({ share }) => Math.sign(share.value) === sign)
      .slice(0, NAMED)
      .map(({ field, share }) => `${oneLine(field)} (${signed(share.value)})`)
      .join(', ');
  const [ahead, behind] = [named(1), named(-1)];
  return [
    ...(ahead === '' ? [] : [`It is put ahead by ${ahead}${behind === '' ? '.' : `; against it speak ${behind}.`}`]),
    ...(ahead === '' && behind === '' ? ['No field makes a difference that is certain.'] : []),
  ].join(' ');
}

function recordedText({ time, model, largest }: NonNullable<ExplanationDocument['recorded']>): string {
  const when = timeText(time);
  if (largest === null) return `The log's answer of ${when} was given by ${oneLine(model)}.`;
  return largest === 0
    ? `The log's answer of ${when} has the same probabilities, bit for bit.`
    : `The log's answer of ${when} differs by up to ${largest.toPrecision(2)} in a probability: the log lacks values that were used.`;
}

const rankingTable = ({ items, tasks }: ExplanationDocument): Table =>
  tableOf(items.slice(0, SHOWN), [
    numeric('', ({ position }) => String(position)),
    { title: 'item', text: ({ item }) => oneLine(item) },
    numeric('score', ({ score }) => metricText(score)),
    ...tasks.flatMap((task, t) => [
      numeric<ExplanationDocument['items'][number]>(oneLine(task), ({ tasks: own }) => metricText(own[t].probability)),
      numeric<ExplanationDocument['items'][number]>('before calibration', ({ tasks: own }) =>
        metricText(own[t].uncalibrated),
      ),
    ]),
  ]);

const fieldTable = ({ tasks }: ExplanationDocument, { fields }: ExplainedItem): Table =>
  tableOf(fields, [
    { title: 'field', text: ({ field }) => oneLine(field) },
    {
      title: 'value',
      text: ({ value, unknown }) => `${value === null ? '-' : oneLine(value)}${unknown ? ' (unknown)' : ''}`,
    },
    numeric('share of the score', ({ score }) => (score === null ? '-' : signed(score.value))),
    numeric('95 % interval', ({ score }) =>
      score === null || score.low === score.high ? '' : `[${signed(score.low)}, ${signed(score.high)}]`,
    ),
    ...tasks.map((task, t) => numeric<ExplainedItem['fields'][number]>(oneLine(task), ({ alone }) => signed(alone[t]))),
  ]);
