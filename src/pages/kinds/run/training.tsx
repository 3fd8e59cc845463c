/** How a training went: losses by task, the validation metric, the best epoch. */
import { dot, line, type PlotOptions, ruleX } from '@observablehq/plot';
import { useCallback } from 'preact/hooks';
import { Chart, draws } from '../../components/chart.tsx';
import { colour, Legend, symbol } from '../../components/palette.tsx';
import { Folded, Note, Section } from '../../components/section.tsx';
import { type Column, numbers, Table } from '../../components/table.tsx';
import { Num } from '../../components/value.tsx';
import type { EpochPoint, RunPage } from '../../page.ts';

export function Training({ page }: { page: RunPage }) {
  const { epochs } = page;
  if (epochs.length === 0) return null;
  const tasks = Object.keys(epochs[0].losses);
  return (
    <Section id="training" title="How the training went">
      <h3>Loss of each task on training rows</h3>
      <Losses epochs={epochs} tasks={tasks} />
      <Legend names={tasks} />
      <h3>The value that early stopping watches, on validation rows</h3>
      <Monitor epochs={epochs} />
      <Note>One point per epoch; the line marks the best epoch of the last phase.</Note>
      <Folded title={`Table of ${epochs.length} epochs`}>
        <Table
          caption="Losses and the watched value at the end of each epoch"
          rows={epochs}
          at={['epochs']}
          columns={columnsOf(tasks)}
        />
      </Folded>
    </Section>
  );
}

const columnsOf = (tasks: readonly string[]): Column<EpochPoint>[] => [
  { title: 'phase', isHead: true, show: ({ phase }) => phase },
  numbers('epoch', 'epoch', 'count'),
  ...tasks.map(
    (task): Column<EpochPoint> => ({
      title: `loss of ${task}`,
      isNumber: true,
      show: (_, at) => <Num at={[...at, 'losses', task]} as="metric" />,
    }),
  ),
  numbers('watched', 'monitor', 'metric'),
  { title: 'best', show: ({ best }) => (best ? 'best so far' : '') },
];

interface Point {
  /** Index in `epochs`. */
  i: number;
  n: number;
  value: number | null;
}

function Losses({ epochs, tasks }: { epochs: readonly EpochPoint[]; tasks: readonly string[] }) {
  const draw = useCallback(
    (): PlotOptions => ({
      height: 240,
      marginLeft: 52,
      x: { label: 'epoch', ticks: tickCount(epochs.length), tickFormat: 'd' },
      y: { label: 'loss', grid: true, nice: true },
      marks: tasks.flatMap((task, n) => {
        const points = epochs.map(({ losses }, i): Point => ({ i, n, value: losses[task] }));
        const channels = { x: ({ i }: Point) => i + 1, y: 'value' };
        return [
          line(points, { ...channels, stroke: colour(n) }),
          dot(points, {
            ...channels,
            fill: colour(n),
            symbol: symbol(n),
            r: 3.5,
            ...draws(points, ({ i }) => ({ ty: ['epochs', i, 'losses', task] })),
          }),
        ];
      }),
    }),
    [epochs, tasks],
  );
  return <Chart label="Loss of each task by epoch" draw={draw} />;
}

function Monitor({ epochs }: { epochs: readonly EpochPoint[] }) {
  const draw = useCallback((): PlotOptions => {
    const points = epochs.map(({ monitor }, i): Point => ({ i, n: 0, value: monitor }));
    const best = epochs.findLastIndex(({ best }) => best);
    const channels = { x: ({ i }: Point) => i + 1, y: 'value' };
    return {
      height: 220,
      marginLeft: 52,
      x: { label: 'epoch', ticks: tickCount(epochs.length), tickFormat: 'd' },
      y: { label: 'watched value', grid: true, nice: true },
      marks: [
        ...(best < 0 ? [] : [ruleX([best + 1], { stroke: 'var(--soft)', strokeDasharray: '4 3' })]),
        line(points, { ...channels, stroke: colour(0) }),
        dot(points, {
          ...channels,
          fill: colour(0),
          r: 4,
          ...draws(points, ({ i }) => ({ cy: ['epochs', i, 'monitor'] })),
        }),
      ],
    };
  }, [epochs]);
  return <Chart label="The watched value by epoch" draw={draw} />;
}

const tickCount = (epochs: number): number => Math.min(epochs, 10);
