import { expect, test } from 'vitest';
import { eventJson, jsonDisplay, lineDisplay, liveDisplay } from '../../src/cli/print/progress.ts';
import { gridToJson } from '../../src/documents/grid.ts';
import type { TrainingEvent } from '../../src/train/run/events.ts';
import { grid, sink, story } from './support.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals are told with
const TOKENS = /(\n|\x1b\[\d*[AJ])/;

/** What a terminal of this size shows after the text: knows line ends, cursor up and clear to the end. */
function screen(text: string): string[] {
  const lines = [''];
  let row = 0;
  for (const token of text.split(TOKENS)) {
    if (token === '\n') {
      row++;
      lines[row] ??= '';
    } else if (token.startsWith('\x1b')) {
      if (token.endsWith('A')) row -= Number(token.slice(2, -1));
      else lines.splice(row, lines.length, '');
    } else if (token !== '') lines[row] = token;
  }
  return lines;
}

test('JSON: an object per event, grids as in the result, the result last', async () => {
  const [out, remarks] = [sink(), sink()];
  const display = jsonDisplay(out, remarks);
  for (const event of await story()) display.event(event);
  display.note('a remark');
  const events = out.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.map(({ event }) => event)).toEqual([
    'start',
    'phase',
    'progress',
    'epoch',
    'checkpoint',
    'flows',
    'warning',
    'result',
  ]);
  const expected = gridToJson(await grid());
  expect(events[3].validation).toEqual(expected);
  expect(events.at(-1)).toEqual({
    event: 'result',
    schema: 'training/1',
    run: 'runs/a',
    split: 'test',
    ...expected,
    seconds: 12.5,
    epochs: { search: 2, retrain: 1 },
  });
  expect(remarks.text).toBe('a remark\n');
});

test('JSON: a loss that is not a number is null', () => {
  const event: TrainingEvent = {
    event: 'progress',
    phase: 'train',
    epoch: 1,
    epochs: 1,
    step: 1,
    steps: 2,
    rowsPerSecond: 1,
    etaSeconds: 1,
    losses: { click: Number.NaN },
    learningRate: 1,
  };
  expect(JSON.parse(JSON.stringify(eventJson(event))).losses).toEqual({ click: null });
});

test('lines: an epoch always, progress only after half a minute of silence', async () => {
  let now = 0;
  const out = sink();
  const display = lineDisplay(out, sink(), () => now);
  const events = await story();
  const progress = events[2];
  display.event(events[0]);
  now = 29.9;
  display.event(progress);
  expect(out.text).not.toContain('step');
  now = 30;
  display.event(progress);
  now = 59.9;
  display.event(progress);
  expect(out.text.match(/step 4\/16/g)).toHaveLength(1);
  display.event(events[3]);
  expect(out.text).toContain('search 1/2  loss click 0.6000');
});

test('a terminal: what lasts scrolls up, the block below is redrawn in place', async () => {
  const terminal = { ...sink(), columns: 80, rows: 24 };
  const display = liveDisplay(terminal);
  const [start, phase, progress, epoch] = await story();
  for (const event of [start, phase, progress, progress, progress]) display.event(event);
  let shown = screen(terminal.text);
  expect(shown.filter((line) => line.includes('%'))).toHaveLength(1);
  expect(shown.indexOf('search: up to 2 epochs of 16 steps')).toBe(6);

  display.event(epoch);
  display.event(progress);
  display.note('a remark');
  shown = screen(terminal.text);
  expect(shown.filter((line) => line.includes('validation after search epoch 1'))).toHaveLength(1);
  const [remark, bar, grid] = ['a remark', '%', 'scenario'].map((text) =>
    shown.findLastIndex((line) => line.includes(text)),
  );
  expect(remark).toBeLessThan(bar);
  expect(bar).toBeLessThan(grid);
});

test('a terminal: the block never needs more lines or columns than there are', async () => {
  const terminal = { ...sink(), columns: 30, rows: 6 };
  const display = liveDisplay(terminal);
  const [, , progress, epoch] = await story();
  display.event(epoch);
  const before = terminal.text.length;
  display.event(progress);
  const block = terminal.text.slice(before).split('\x1b[J')[1];
  expect(block.split('\n').length - 1).toBe(5);
  expect(Math.max(...block.split('\n').map((line) => line.length))).toBeLessThan(30);
});

test('a terminal: nothing of the block stays after the result', async () => {
  const terminal = { ...sink(), columns: 80, rows: 24 };
  const display = liveDisplay(terminal);
  for (const event of await story()) display.event(event);
  display.close();
  const shown = screen(terminal.text);
  expect(shown.some((line) => line.includes('% '))).toBe(false);
  expect(shown.filter((line) => line !== '').at(-1)).toContain('run: runs/a');
});
