/** Shows a training while it runs: redrawn lines on a terminal, growing lines elsewhere, JSON lines for machines. */
import { gridToJson } from '../../documents/grid.ts';
import { trainingDocument } from '../../documents/result.ts';
import { formatGrid } from '../../report/grid.ts';
import type { TrainingEvent } from '../../train/run/events.ts';
import { isLead, isOneOfRanks } from '../process/ranks.ts';
import {
  epochLine,
  flowsText,
  phaseText,
  progressLine,
  progressLines,
  resultText,
  startText,
  startWeightsLine,
  validationLine,
} from './render.ts';

export interface Display {
  event(event: TrainingEvent): void;
  /** A permanent text. */
  say(text: string): void;
  /** A line that is redrawn, or written now and then. */
  progress(text: string): void;
  /** A message of the command itself. */
  note(text: string): void;
  close(): void;
}

export interface Output {
  write(text: string): void;
}

/** A terminal's size in characters. */
export interface Terminal extends Output {
  columns: number;
  rows: number;
}

/** Of several ranks, rank 0 alone shows progress, and as lines: launchers collect what ranks write. */
export function displayFor(json: boolean): Display {
  const { stdout, stderr } = process;
  if (!isLead()) return silentDisplay;
  if (json) return jsonDisplay(stdout, stderr);
  return stdout.isTTY && process.env.TERM !== 'dumb' && !isOneOfRanks()
    ? liveDisplay(stdout)
    : lineDisplay(stdout, stderr);
}

const silentDisplay: Display = { event() {}, say() {}, progress() {}, note() {}, close() {} };

/** One object per event; grids as in the result. */
export function jsonDisplay(out: Output, remarks: Output): Display {
  return {
    event: (event) => out.write(`${JSON.stringify(eventJson(event))}\n`),
    say: () => {},
    progress: () => {},
    note: (text) => remarks.write(`${text}\n`),
    close: () => {},
  };
}

export function eventJson(event: TrainingEvent): object {
  if (event.event === 'epoch' || event.event === 'validation' || event.event === 'startWeights')
    return { ...event, validation: gridToJson(event.validation) };
  return event.event === 'result' ? { event: event.event, ...trainingDocument(event) } : event;
}

const LINE_SECONDS = 30;

/** A line per epoch, and one every half minute in between. */
export function lineDisplay(out: Output, remarks: Output, seconds = () => performance.now() / 1000): Display {
  let last = seconds();
  const line = (text: string): void => {
    out.write(`${text}\n`);
    last = seconds();
  };
  const progress = (text: string): void => {
    if (seconds() - last >= LINE_SECONDS) line(text);
  };
  return {
    say: line,
    progress,
    event(event) {
      if (event.event === 'progress') return progress(progressLine(event));
      const text = lasting(event);
      if (text !== undefined) line(text);
    },
    note: (text) => remarks.write(`${text}\n`),
    close: () => {},
  };
}

/** A block at the bottom that is redrawn: bar, losses, last validation grid. Permanent lines scroll up above it. */
export function liveDisplay(terminal: Terminal): Display {
  let drawn = 0;
  let progress: string[] = [];
  let grid: string[] = [];
  const clear = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`);
  const show = (above: string, block: string[]): void => {
    // One row is left for the cursor; a line that wraps would make the block higher than its lines.
    const lines = block.slice(0, terminal.rows - 1).map((text) => text.slice(0, terminal.columns - 1));
    terminal.write(clear() + above + lines.map((text) => `${text}\n`).join(''));
    drawn = lines.length;
  };
  const block = (): string[] => [...progress, ...grid];
  return {
    say(text) {
      progress = [];
      show(`${text}\n`, block());
    },
    progress(text) {
      progress = [text];
      show('', block());
    },
    event(event) {
      if (event.event === 'progress') progress = progressLines(event);
      if (event.event === 'phase') progress = [];
      if (event.event === 'epoch')
        grid = [
          '',
          `validation after ${event.phase} epoch ${event.epoch}`,
          ...formatGrid(event.validation).split('\n'),
        ];
      const text = lasting(event);
      const ended = event.event === 'result' || event.event === 'interrupted';
      if (ended) progress = grid = [];
      show(text === undefined ? '' : `${text}\n`, block());
    },
    note: (text) => show(`${text}\n`, block()),
    close: () => show('', []),
  };
}

/** The permanent line of an event. */
function lasting(event: TrainingEvent): string | undefined {
  switch (event.event) {
    case 'start':
      return startText(event);
    case 'phase':
      return phaseText(event);
    case 'startWeights':
      return startWeightsLine(event);
    case 'validation':
      return validationLine(event);
    case 'epoch':
      return epochLine(event);
    case 'flows':
      return flowsText(event);
    case 'warning':
      return `warning: ${event.message}`;
    case 'result':
      return resultText(event);
    default:
      return undefined;
  }
}
