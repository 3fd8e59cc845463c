/** A search for good options: the terminal, and report.md. */
import { oneLine } from '../base/one-line.ts';
import type { Importance, TrialRecord, TuningDocument } from '../documents/tuning.ts';
import { fenced, markdownText } from './markdown.ts';
import { duration } from './numbers.ts';
import { type Column, markdownTable, numeric, type Table, tableOf, textTable } from './table.ts';

const WIDTH = 120;
/** Trials that the terminal lists; report.md has all. */
/** Of what a search watches. */
export const MONITOR_NAMES = { auc: 'AUC', logloss: 'log loss' } as const;

const SHOWN = 20;

/** `next`: what to do with the best configuration. */
export function tuningText(tuning: TuningDocument, out: string, next: string): string {
  const { trials, monitor, over, best, hints } = tuning;
  const shown = trialTable({ ...tuning, trials: trials.slice(0, SHOWN) }, `validation ${MONITOR_NAMES[monitor]}`);
  const more = trials.length - SHOWN;
  const total = trials.reduce((sum, { seconds }) => sum + seconds, 0);
  return [
    '',
    ...textTable(shown).map(cut),
    ...(more > 0 ? [`... and ${more} more: ${out}/report.md`] : []),
    ...failureLines(trials).map(cut),
    ...(hints.length === 0 ? [] : ['', HINT_HEAD, ...hints.map((hint) => `  ${hintLine(hint)}`)]),
    '',
    `validation ${MONITOR_NAMES[monitor]}: mean over ${over}`,
    `best: trial ${best.trial}, ${duration(best.seconds)} of training; all of them took ${duration(total)}`,
    `next: ${next}`,
  ].join('\n');
}

/** report.md. `config`: what was searched. */
export function tuningMarkdown(tuning: TuningDocument, config: object): string {
  const { trials, monitor, over, best, hints } = tuning;
  return [
    '# Search',
    '',
    `Best by validation ${MONITOR_NAMES[monitor]}, a mean over ${over}: trial ${best.trial} with ${best.value?.toFixed(5)}. No trial was measured on test rows.`,
    '',
    ...markdownTable(trialTable(tuning, MONITOR_NAMES[monitor])),
    '',
    ...failureLines(trials).map((text) => `- ${markdownText(text)}`),
    ...(hints.length === 0 ? [] : ['', HINT_HEAD, '', ...hints.map((hint) => `- ${markdownText(hintLine(hint))}`)]),
    '',
    '## Configuration',
    '',
    ...fenced(JSON.stringify(config, null, 2), 'json'),
    '',
  ].join('\n');
}

/** A line per trial. */
function trialTable({ parameters, trials }: Pick<TuningDocument, 'parameters' | 'trials'>, monitor: string): Table {
  return tableOf(trials, [
    numeric('trial', ({ trial }) => String(trial)),
    numeric(monitor, valueText),
    numeric('epochs', ({ epochs, ended }) => `${epochs}${ended ? '' : ' of more'}`),
    numeric('seconds', ({ seconds }) => seconds.toFixed(0)),
    ...parameters.map(
      (path): Column<TrialRecord> =>
        numeric(shortName(path, parameters), (trial) => shownValue(trial.parameters[path])),
    ),
  ]);
}

/** A trial in one line, its failure below it. */
export function trialLines(trial: TrialRecord, parameters: readonly string[], isBest: boolean): string[] {
  const settings = parameters.map(
    (path) => `${shortName(path, parameters)} ${oneLine(shownValue(trial.parameters[path]))}`,
  );
  const { epochs, ended, seconds } = trial;
  const head = `trial ${trial.trial}  ${valueText(trial)}${isBest ? ' (best)' : ''}  ${epochs}${ended ? '' : ' of more'} epochs  ${seconds.toFixed(0)} s`;
  return [cut(`${head}  ${settings.join(', ')}`), ...failureLines([trial]).map((line) => `  ${line}`)];
}

const valueText = ({ value }: TrialRecord): string => (value === null ? 'failed' : value.toFixed(5));

/** Failed trials and why. */
const failureLines = (trials: readonly TrialRecord[]): string[] =>
  trials.flatMap(({ trial, failure }) => (failure === undefined ? [] : [`trial ${trial} failed: ${failure}`]));

const HINT_HEAD =
  'How strongly values go with a parameter (rank correlation, 0 to 1): a hint for the next space, not a proof.';

function hintLine({ path, strength, better, trials }: Importance): string {
  const where = typeof better === 'string' ? `better where ${better}` : `best with ${shownValue(better.choice)}`;
  return `${path}: ${strength.toFixed(2)}, ${where} (${trials} trials)`;
}

/** The last word of a path, where that tells it from the others. */
function shortName(path: string, paths: readonly string[]): string {
  const last = (dotted: string): string => dotted.slice(dotted.lastIndexOf('.') + 1);
  return paths.filter((other) => last(other) === last(path)).length === 1 ? last(path) : path;
}

function shownValue(value: TrialRecord['parameters'][string] | undefined): string {
  if (value === undefined) return '-';
  if (typeof value === 'number') return String(Number(value.toPrecision(4)));
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const cut = (line: string): string => (line.length > WIDTH ? `${line.slice(0, WIDTH - 3)}...` : line);
