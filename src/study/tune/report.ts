/** A search as text: what report.md holds and the command line shows. */
import { fenced, markdownTable, markdownText } from '../../base/markdown.ts';
import type { Json, TuneConfig } from '../../config/tune.ts';
import type { Importance } from './importance.ts';
import type { TrialRecord } from './trials.ts';
import type { TuneResult } from './tune.ts';

/** A heading, then a line per trial. Parameters go by the last word of their path where that tells them apart. */
export function trialRows(space: TuneConfig['space'], trials: readonly TrialRecord[], monitor: string): string[][] {
  const paths = Object.keys(space);
  return [
    ['trial', monitor, 'epochs', 'seconds', ...paths.map((path) => shortName(path, paths))],
    ...trials.map(({ trial, value, epochs, ended, seconds, parameters }) => [
      String(trial),
      value === null ? 'failed' : value.toFixed(5),
      `${epochs}${ended ? '' : ' of more'}`,
      seconds.toFixed(0),
      ...paths.map((path) => shownValue(parameters[path])),
    ]),
  ];
}

/** Failed trials and why. */
export const failureLines = (trials: readonly TrialRecord[]): string[] =>
  trials.flatMap(({ trial, failure }) => (failure === undefined ? [] : [`trial ${trial} failed: ${failure}`]));

/** What is said of a parameter's importance. */
export function hintLine({ path, strength, better, trials }: Importance): string {
  const where = typeof better === 'string' ? `better where ${better}` : `best with ${shownValue(better.choice)}`;
  return `${path}: ${strength.toFixed(2)}, ${where} (${trials} trials)`;
}

export const HINT_HEAD =
  'How strongly values go with a parameter (rank correlation, 0 to 1): a hint for the next space, no proof.';

export function tuneReport(config: TuneConfig, { trials, monitor, over, best, hints }: TuneResult): string {
  const [head, ...rows] = trialRows(config.space, trials, monitor);
  return [
    '# Search',
    '',
    `Best by validation ${monitor}, a mean over ${over}: trial ${best.trial} with ${best.value?.toFixed(5)}. No trial was measured on test rows.`,
    '',
    ...markdownTable(
      head.map(markdownText),
      rows.map((row) => row.map(markdownText)),
    ),
    '',
    ...failureLines(trials).flatMap((text) => [`- ${markdownText(text)}`]),
    ...(hints.length === 0 ? [] : ['', HINT_HEAD, '', ...hints.map((hint) => `- ${markdownText(hintLine(hint))}`)]),
    '',
    '## Configuration',
    '',
    ...fenced(JSON.stringify(config, null, 2), 'json'),
    '',
  ].join('\n');
}

function shortName(path: string, paths: readonly string[]): string {
  const last = (dotted: string): string => dotted.slice(dotted.lastIndexOf('.') + 1);
  return paths.filter((other) => last(other) === last(path)).length === 1 ? last(path) : path;
}

function shownValue(value: Json | undefined): string {
  if (value === undefined) return '-';
  if (typeof value === 'number') return String(Number(value.toPrecision(4)));
  return typeof value === 'string' ? value : JSON.stringify(value);
}
