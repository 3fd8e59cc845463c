/** Shows a comparison while it works. */
import { oneLine, printable } from '../../base/one-line.ts';
import { count, metricText } from '../../report/numbers.ts';
import { type Column, tableOf, textTable } from '../../report/table.ts';
import type { CellEvent, ComparisonEvent } from '../../study/compare/events.ts';
import type { Output, Terminal } from './progress.ts';

export interface ComparisonDisplay {
  event(event: ComparisonEvent): void;
  note(text: string): void;
  close(): void;
}

export function comparisonDisplay(json: boolean): ComparisonDisplay {
  const { stdout, stderr } = process;
  if (json)
    return {
      event: (event) => void stdout.write(`${JSON.stringify(event)}\n`),
      note: (text) => void stderr.write(`${text}\n`),
      close: () => {},
    };
  return stdout.isTTY && process.env.TERM !== 'dumb' ? liveCells(stdout) : cellLines(stdout, stderr);
}

/** A line for each cell that starts, ends or fails. */
export function cellLines(out: Output, remarks: Output): ComparisonDisplay {
  const running = new Set<string>();
  const line = (text: string): void => void out.write(`${text}\n`);
  return {
    event(event) {
      if (event.event === 'start') line(startText(event));
      if (event.event === 'statistics') line('computing the statistics');
      if (event.event !== 'cell' || event.state === 'waiting') return;
      const key = `${event.data} ${event.cell}`;
      if (event.state === 'running' && running.has(key)) return;
      running.add(key);
      line(`${oneLine(event.cell)}: ${stateText(event)}`);
    },
    note: (text) => void remarks.write(`${text}\n`),
    close: () => {},
  };
}

const startText = ({ cells, finished, workers, folder }: Extract<ComparisonEvent, { event: 'start' }>): string =>
  `${count(cells)} trainings in ${folder}, ${count(finished)} of them already finished; ${workers} in parallel`;

function stateText(event: CellEvent): string {
  switch (event.state) {
    case 'waiting':
      return 'waiting';
    case 'running':
      if (event.phase === undefined) return 'training';
      return `${event.phase} ${event.epoch}/${event.epochs} ${metricText(event.monitor)}`;
    case 'finished':
      return `done ${metricText(event.auc)}`;
    case 'stopped':
      return 'stopped';
    case 'failed':
      return `failed: ${event.code}: ${printable(event.message)}`;
  }
}

/** A model on a data set: what each seed is doing. */
interface Row {
  data: string;
  name: string;
  cells: Map<number, string>;
}

/** A table that is redrawn: a row for each model, a column for each seed. Failures stay above it. */
export function liveCells(terminal: Terminal): ComparisonDisplay {
  const rows = new Map<string, Row>();
  let drawn = 0;
  let summary: string[] = [];
  const clear = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`);
  const show = (above: string, lines: string[]): void => {
    const visible = lines.slice(0, terminal.rows - 1).map((text) => text.slice(0, terminal.columns - 1));
    terminal.write(clear() + above + visible.map((text) => `${text}\n`).join(''));
    drawn = visible.length;
  };
  const table = (): string[] => {
    const all = [...rows.values()];
    if (all.length === 0) return [];
    const seeds = [...new Set(all.flatMap(({ cells }) => [...cells.keys()]))];
    const several = new Set(all.map(({ data }) => data)).size > 1;
    // With more models than lines, those in training are shown first.
    const fits = all.length < terminal.rows - 3;
    const shown = fits ? all : all.toSorted((a, b) => Number(atWork(b)) - Number(atWork(a)));
    const columns: Column<Row>[] = [
      { title: '', text: ({ data, name }) => (several ? `${data}: ${name}` : name) },
      ...seeds.map((seed): Column<Row> => ({ title: `seed ${seed}`, text: ({ cells }) => cells.get(seed) ?? '' })),
    ];
    return [...textTable(tableOf(shown, columns)), ...summary];
  };
  return {
    event(event) {
      let above = '';
      if (event.event === 'start') above = `${startText(event)}\n`;
      if (event.event === 'statistics') summary = ['computing the statistics'];
      if (event.event === 'cell') {
        const name = [event.model, event.part].filter(Boolean).join(', ');
        const key = JSON.stringify([event.data, name]);
        const row = rows.get(key) ?? { data: event.data, name, cells: new Map<number, string>() };
        row.cells.set(event.seed, event.state === 'failed' ? 'failed' : stateText(event));
        rows.set(key, row);
        if (event.state === 'failed') above = `${oneLine(event.cell)}: ${stateText(event)}\n`;
      }
      show(above, table());
    },
    note: (text) => show(`${text}\n`, table()),
    close: () => show('', []),
  };
}

const atWork = ({ cells }: Row): boolean => [...cells.values()].some((text) => /\/|training/.test(text));
