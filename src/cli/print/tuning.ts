/** A search while it runs. */
import { printable } from '../../base/one-line.ts';
import type { TuneConfig } from '../../config/tune.ts';
import { trialLines } from '../../report/tuning.ts';
import type { TuneEvent } from '../../study/tune/events.ts';
import { printJson } from '../output.ts';

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
  /** Trials that have ended or paused. */
  done: number;
  best: string;
  /** Epochs of the running trials since they started. */
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
    const known = event.known > 0 ? `, ${event.known} of them already known` : '';
    const { trials, method, workers, out, monitor } = event;
    return `searching ${trials} trials by ${method} in ${out}, ${workers} in parallel, by validation ${monitor}${known}`;
  }
  if (event.event !== 'trial') return undefined;
  return trialLines(event, Object.keys(config.space), event.best).map(printable).join('\n');
}
