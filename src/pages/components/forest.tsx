/** Values with their intervals, one below the other, against a line of no difference. */
import { dot, type PlotOptions, ruleX, ruleY, tickX } from '@observablehq/plot';
import { useCallback, useContext } from 'preact/hooks';
import { oneLine } from '../../base/one-line.ts';
import { Chart, draws } from './chart.tsx';
import { colour } from './palette.tsx';
import { lookUp, PageContext, type Path } from './value.tsx';

export interface ForestRow {
  /** What it is, or the parts of that, such as scenario and task: where they have no room, each is cut. */
  name: string | readonly string[];
  value: Path;
  low?: Path;
  high?: Path;
  /** Another value on the same line, such as that of a baseline. */
  other?: Path;
}

interface Shown extends ForestRow {
  i: number;
  x: number;
  from: number;
  to: number;
  otherX: number | null;
}

/** `zero`: values are differences; one whose interval leaves out 0 has a filled mark, and the sign has a form of its own. */
export function Forest({
  label,
  unit,
  rows,
  zero = false,
}: {
  label: string;
  unit: string;
  rows: readonly ForestRow[];
  zero?: boolean;
}) {
  const page = useContext(PageContext);
  const draw = useCallback(
    (width: number): PlotOptions => {
      const shown = rows.flatMap((row, i): Shown[] => {
        const [x, from, to, otherX] = [row.value, row.low, row.high, row.other].map((path) =>
          path === undefined ? null : (lookUp(page, path) as number | null),
        );
        return x === null ? [] : [{ ...row, i, x, from: from ?? x, to: to ?? x, otherX }];
      });
      const names = fittedNames(
        rows.map(({ name }) => name),
        width,
      );
      return {
        height: 56 + 24 * Math.max(2, rows.length),
        marginTop: 8,
        marginLeft: names.width,
        marginRight: 16,
        x: { label: unit, grid: true, nice: true, ticks: Math.max(2, Math.floor((width - names.width) / 90)) },
        y: { domain: rows.map((_, i) => i), label: null, tickFormat: (i: number) => names.texts[i], tickSize: 0 },
        marks: [
          ...(zero ? [ruleX([0], { stroke: 'var(--soft)' })] : []),
          ruleY(shown, {
            y: 'i',
            x1: 'from',
            x2: 'to',
            stroke: (row: Shown) => toneOf(row, zero),
            strokeWidth: 2,
            ...draws(shown, ({ low, high }) => ({ ...(low && { x1: low }), ...(high && { x2: high }) })),
          }),
          tickX(
            shown.filter(({ otherX }) => otherX !== null),
            {
              y: 'i',
              x: 'otherX',
              stroke: 'var(--ink)',
              strokeWidth: 1.5,
              ...draws(
                shown.filter(({ otherX }) => otherX !== null),
                ({ other }) => ({ ...(other && { x1: other }) }),
              ),
            },
          ),
          ...(['circle', 'triangle', 'square'] as const).map((form) => {
            const own = shown.filter((row) => formOf(row, zero) === form);
            return dot(own, {
              y: 'i',
              x: 'x',
              r: 4.5,
              symbol: form,
              stroke: (row: Shown) => toneOf(row, zero),
              strokeWidth: 2,
              fill: (row: Shown) => (zero && !isSure(row) ? 'var(--paper)' : toneOf(row, zero)),
              ...draws(own, ({ value }) => (form === 'circle' ? { cx: value } : { tx: value })),
            });
          }),
        ],
      };
    },
    [rows, unit, zero, page],
  );
  return <Chart label={label} draw={draw} />;
}

const isSure = ({ from, to, low }: Shown): boolean => low !== undefined && (from > 0 || to < 0);
const formOf = (row: Shown, zero: boolean) => (!zero || !isSure(row) ? 'circle' : row.from > 0 ? 'triangle' : 'square');
const toneOf = (row: Shown, zero: boolean): string =>
  !zero ? colour(0) : !isSure(row) ? 'var(--grey)' : row.from > 0 ? colour(0) : colour(1);

/** Names of rows at the left, shortened to what the width allows; the table under a picture has them whole. */
export function fittedNames(names: readonly ForestRow['name'][], width: number): { texts: string[]; width: number } {
  const room = Math.floor((width < 600 ? 0.36 : 0.28) * width) - 12;
  const texts = names.map((name) => fittedParts(typeof name === 'string' ? [name] : name, room));
  return { texts, width: Math.max(40, Math.ceil(Math.max(0, ...texts.map(widthOf))) + 12) };
}

const pen = document.createElement('canvas').getContext('2d');

/** Pixels of a text in a chart. */
function widthOf(text: string): number {
  if (pen === null) return 8 * text.length;
  pen.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}

/** Parts with commas between them. Those that need less than their share of the room leave it to the others. */
function fittedParts(parts: readonly string[], room: number): string {
  const texts = parts.map(oneLine);
  if (widthOf(texts.join(', ')) <= room) return texts.join(', ');
  const byWidth = texts.map((_, i) => i).sort((a, b) => widthOf(texts[a]) - widthOf(texts[b]));
  let left = room - widthOf(', ') * (texts.length - 1);
  for (const [n, i] of byWidth.entries()) {
    texts[i] = fitted(texts[i], left / (texts.length - n));
    left -= widthOf(texts[i]);
  }
  return texts.join(', ');
}

/** The beginning of a text that has room, with an ellipsis if it is cut. */
export function fitted(text: string, room: number): string {
  if (widthOf(text) <= room) return text;
  const characters = [...text];
  let [kept, cut] = [0, characters.length];
  while (cut - kept > 1) {
    const middle = (kept + cut) >> 1;
    if (widthOf(`${characters.slice(0, middle).join('')}…`) <= room) kept = middle;
    else cut = middle;
  }
  return `${characters.slice(0, kept).join('')}…`;
}
