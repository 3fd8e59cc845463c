/** A search while it runs, and its result, as text. */
import { oneLine, printable } from '../../base/one-line.ts';
import type { TuneConfig } from '../../config/tune.ts';
import { failureLines, HINT_HEAD, hintLine, trialRows } from '../../study/tune/report.ts';
import type { TuneEvent, TuneResult } from '../../study/tune/tune.ts';
import { columns, duration, printJson } from '../output.ts';

const WIDTH = 120;
/** Trials that the result lists; report.md has all. */
const SHOWN = 20;

export interface TuneDisplay {
  event(event: TuneEvent): void;
  note(text: string): void;
  close(): void;
}

/** A line per trial; on a terminal one more at the bottom that says what is running. */
export function tuneDisplay(config: TuneConfig, json: boolean): TuneDisplay {
  const { stdout, stderr } = process;
  const live = !json && stdout.isTTY && process.env.TERM !== 'dumb';
  const state = { done: 0, best: '', running: new Map<number, number>() };
  let drawn = false;
  const show = (text: string | undefined, status = true): void => {
    if (drawn) stdout.write('\r\x1b[K');
    if (text !== undefined) stdout.write(`${text}\n`);
    drawn = live && status && state.running.size > 0;
    if (drawn) stdout.write(statusLine(config, state).slice(0, stdout.columns - 1));
  };
  return {
    event(event) {
      if (json) printJson(event);
      else {
        note(state, event);
        show(eventText(config, event));
      }
    },
    note: (text) => (json ? void stderr.write(`${text}\n`) : show(text)),
    close: () => show(undefined, false),
  };
}

interface State {
  /** Trials that are through or paused. */
  done: number;
  best: string;
  /** Epochs that running trials have had since they began. */
  running: Map<number, number>;
}

function note(state: State, event: TuneEvent): void {
  if (event.event === 'start') state.done = event.known;
  if (event.event === 'running') state.running.set(event.trial, 0);
  if (event.event === 'epoch') state.running.set(event.trial, (state.running.get(event.trial) ?? 0) + 1);
  if (event.event === 'trial') {
    state.running.delete(event.trial);
    state.done++;
    if (event.best) state.best = `, best ${event.value?.toFixed(5)} (trial ${event.trial})`;
  }
}

function statusLine({ method }: TuneConfig, { done, best, running }: State): string {
  const trials = [...running].map(([trial, epochs]) => `${trial} (${epochs} epoch${epochs === 1 ? '' : 's'})`);
  const of = method.kind === 'halving' ? '' : ` of ${method.trials}`;
  return `${done}${of} done${best}; running: ${trials.join(', ')}`;
}

function eventText(config: TuneConfig, event: TuneEvent): string | undefined {
  if (event.event === 'start') {
    const known = event.known > 0 ? `, ${event.known} of them known from before` : '';
    const { trials, method, workers, out, monitor } = event;
    return `searching ${trials} trials by ${method} in ${out}, ${workers} at once, by validation ${monitor}${known}`;
  }
  if (event.event !== 'trial') return undefined;
  const [names, [trial, value, epochs, seconds, ...values]] = trialRows(config.space, [event], '');
  const parameters = values.map((text, i) => `${names[i + 4]} ${oneLine(text)}`).join(', ');
  const head = `trial ${trial}  ${value}${event.best ? ' (best)' : ''}  ${epochs} epochs  ${seconds} s`;
  return (
    cut(`${head}  ${parameters}`) +
    failureLines([event])
      .map((line) => `\n  ${printable(line)}`)
      .join('')
  );
}

export function tuneResultText(config: TuneConfig, result: TuneResult): string {
  const { trials, monitor, over, best, hints, out } = result;
  const rows = trialRows(config.space, trials.slice(0, SHOWN), `validation ${monitor}`);
  const numbers = rows[0].map((_, i) => i);
  const more = trials.length - SHOWN;
  return [
    '',
    ...columns(rows, numbers).map(cut),
    ...(more > 0 ? [`... and ${more} more: ${out}/report.md`] : []),
    ...failureLines(trials).map(cut),
    ...(hints.length === 0 ? [] : ['', HINT_HEAD, ...hints.map((hint) => `  ${hintLine(hint)}`)]),
    '',
    `validation ${monitor}: mean over ${over}`,
    `best: trial ${best.trial}, ${duration(best.seconds)} of training; all of them took ${duration(trials.reduce((sum, { seconds }) => sum + seconds, 0))}`,
    `next: tributary train --data ${config.data} --config ${result.config}`,
  ].join('\n');
}

const cut = (line: string): string => (line.length > WIDTH ? `${line.slice(0, WIDTH - 3)}...` : line);
