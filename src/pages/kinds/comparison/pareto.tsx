/** Quality against cost: the models that no other one beats in both are joined by a line. */
import { dot, line, type PlotOptions, ruleX, text } from '@observablehq/plot';
import { useCallback } from 'preact/hooks';
import { Chart, draws } from '../../components/chart.tsx';
import { colour } from '../../components/palette.tsx';
import { Note } from '../../components/section.tsx';
import type { Path } from '../../components/value.tsx';
import type { ShownDataset } from '../../page.ts';

/** Names that a picture has room for. */
const NAMED = 40;

export function Pareto({ dataset, at, front }: { dataset: ShownDataset; at: Path; front: readonly string[] }) {
  const draw = useCallback(
    (width: number): PlotOptions => {
      const points = dataset.models.flatMap(({ model, by, macro: { auc }, multiplyAddsPerRow: cost }, m) =>
        auc === null || cost === 0 || by !== undefined
          ? []
          : [{ model, m, cost, mean: auc.mean, low: auc.low ?? auc.mean, high: auc.high ?? auc.mean }],
      );
      type Point = (typeof points)[number];
      const isBest = ({ model }: Point): boolean => front.includes(model);
      const best = points.filter(isBest).toSorted((a, b) => a.cost - b.cost);
      const auc = (m: number, key: string): Path => [...at, 'models', m, 'macro', 'auc', key];
      const mark = (own: Point[], isFront: boolean) =>
        dot(own, {
          x: 'cost',
          y: 'mean',
          r: 5,
          fill: isFront ? colour(0) : 'var(--paper)',
          stroke: isFront ? colour(0) : 'var(--grey)',
          strokeWidth: 1.8,
          title: 'model',
          ...draws(own, ({ m }) => ({ cx: [...at, 'models', m, 'multiplyAddsPerRow'], cy: auc(m, 'mean') })),
        });
      const named = [...best.toReversed(), ...points.filter((point) => !isBest(point))].slice(0, NAMED);
      const height = width < 600 ? 300 : 380;
      return {
        height,
        inset: 14,
        marginLeft: 56,
        marginRight: 24,
        x: {
          type: 'log',
          label: 'multiply-adds a row (log scale)',
          grid: true,
          ticks: width < 600 ? 3 : 6,
          tickFormat: '~s',
        },
        y: { label: 'mean AUC, test rows', grid: true, nice: true },
        marks: [
          line(best, { x: 'cost', y: 'mean', stroke: colour(0), strokeDasharray: '5 3' }),
          ruleX(points, {
            x: 'cost',
            y1: 'low',
            y2: 'high',
            stroke: (point: Point) => (isBest(point) ? colour(0) : 'var(--grey)'),
            ...draws(points, ({ m, low, high, mean }) =>
              low === mean && high === mean ? {} : { y1: auc(m, 'low'), y2: auc(m, 'high') },
            ),
          }),
          mark(best, true),
          mark(
            points.filter((point) => !isBest(point)),
            false,
          ),
          ...placed(points, named, { width: width - 110, height: height - 100 }).map(({ point, place }) =>
            text([point], {
              x: 'cost',
              y: 'mean',
              text: ({ model }: Point) => shortened(model),
              dx: place.dx,
              dy: place.dy,
              textAnchor: place.anchor,
              fill: 'var(--ink)',
              stroke: 'var(--paper)',
              strokeWidth: 3,
            }),
          ),
        ],
      };
    },
    [dataset, at, front],
  );
  return (
    <>
      <Chart label="Mean AUC against multiply-adds a row" draw={draw} />
      <Note>
        Filled: no other model has both a higher mean AUC and a lower cost. Bars: intervals of the mean over seeds
        (Student's t). References trained per task or scenario are not drawn.
      </Note>
    </>
  );
}

interface Place {
  dx: number;
  dy: number;
  anchor: 'start' | 'middle' | 'end';
}

const PLACES: Place[] = [
  { dx: 9, dy: 0, anchor: 'start' },
  { dx: -9, dy: 0, anchor: 'end' },
  { dx: 0, dy: -14, anchor: 'middle' },
  { dx: 0, dy: 14, anchor: 'middle' },
  { dx: 8, dy: -13, anchor: 'start' },
  { dx: 8, dy: 13, anchor: 'start' },
  { dx: -8, dy: -13, anchor: 'end' },
  { dx: -8, dy: 13, anchor: 'end' },
];

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const meet = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Names where they lie on no point and no other name; the best ones first. One without room is left to the table. */
function placed<P extends { model: string; cost: number; mean: number }>(
  points: readonly P[],
  named: readonly P[],
  size: { width: number; height: number },
): { point: P; place: Place }[] {
  const span = (of: (point: P) => number): [number, number] => {
    const values = points.map(of);
    return [Math.min(...values), Math.max(...values) - Math.min(...values) || 1];
  };
  const [x0, xs] = span(({ cost }) => Math.log(cost));
  const [y0, ys] = span(({ mean }) => mean);
  const at = ({ cost, mean }: P) => ({
    x: ((Math.log(cost) - x0) / xs) * size.width,
    y: (1 - (mean - y0) / ys) * size.height,
  });
  const taken = points.map((point): Box => {
    const { x, y } = at(point);
    return { left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 };
  });
  return named.flatMap((point) => {
    const { x, y } = at(point);
    const letters = 7.2 * [...shortened(point.model)].length;
    for (const place of PLACES) {
      const left = x + place.dx - { start: 0, middle: letters / 2, end: letters }[place.anchor];
      const box = { left, right: left + letters, top: y + place.dy - 7, bottom: y + place.dy + 7 };
      if (box.left < -30 || box.right > size.width + 30 || taken.some((other) => meet(box, other))) continue;
      taken.push(box);
      return [{ point, place }];
    }
    return [];
  });
}

const shortened = (name: string): string => {
  const characters = [...name];
  return characters.length <= 24 ? name : `${characters.slice(0, 23).join('')}…`;
};
