/** How a training went: losses by task, validation metrics as means and by cell, the best epoch. */
import { dot, line, type PlotOptions, ruleX } from '@observablehq/plot';
import { useCallback, useContext } from 'preact/hooks';
import { Chart, draws } from '../../components/chart.tsx';
import { Curve } from '../../components/curve.tsx';
import { colour, Legend, symbol } from '../../components/palette.tsx';
import { cellNames, Figures, Folded, Note, Section } from '../../components/section.tsx';
import { type Column, deep, numbers, Table } from '../../components/table.tsx';
import { lookUp, Num, PageContext, type Path } from '../../components/value.tsx';
import type { EpochPoint, RunPage } from '../../page.ts';

export function Training({ page }: { page: RunPage }) {
  const { epochs } = page;
  if (epochs.length === 0) return null;
  const tasks = Object.keys(epochs[0].losses);
  const best = epochs.findLastIndex((epoch) => epoch.best);
  const watched = (['auc', 'logloss'] as const).find((key) =>
    epochs.every(({ monitor, validation }) => monitor === validation[key]),
  );
  const hasTemperature = epochs.some(({ temperature }) => temperature !== undefined);
  const weightsVary = epochs.some(({ taskWeights }) =>
    tasks.some((task) => taskWeights[task] !== epochs[0].taskWeights[task]),
  );
  return (
    <>
      <Section id="training" title="How the training went">
        <h3>Loss of each task on training rows</h3>
        <Lines what="loss" tasks={tasks} epochs={epochs} of={(i, task) => ['epochs', i, 'losses', task]} />
        <Legend names={tasks} />
        <div class="multiples wide">
          {watched === undefined && (
            <Measure
              title="What early stopping watches"
              best={best}
              epochs={epochs}
              of={(i) => ['epochs', i, 'monitor']}
            />
          )}
          {(['auc', 'logloss'] as const).map((key) => (
            <Measure
              key={key}
              title={`${MEANS[key]}, validation rows${key === watched ? ' (what early stopping watches)' : ''}`}
              best={best}
              epochs={epochs}
              of={(i) => (key === watched ? ['epochs', i, 'monitor'] : ['epochs', i, 'validation', key])}
            />
          ))}
          {hasTemperature && (
            <Measure
              title="Temperature of the soft gates"
              best={-1}
              epochs={epochs}
              of={(i) => ['epochs', i, 'temperature']}
            />
          )}
        </div>
        {weightsVary && (
          <>
            <h3>Weight of each task in the loss</h3>
            <Lines what="weight" tasks={tasks} epochs={epochs} of={(i, task) => ['epochs', i, 'taskWeights', task]} />
          </>
        )}
        <Note>
          One point per epoch; phases follow each other. The dashed line marks the best epoch of the last phase. The
          soft gates of a search become 0 or 1 as their temperature rises.
        </Note>
        <Folded title={`Table of ${epochs.length} epochs`}>
          <Table
            caption="Losses and validation means at the end of each epoch"
            rows={epochs}
            at={['epochs']}
            columns={columnsOf(tasks, epochs)}
          />
        </Folded>
      </Section>
      {epochs.length > 1 && page.cells.length > 0 && <Cells page={page} best={best} />}
    </>
  );
}

const MEANS = { auc: 'Mean AUC', logloss: 'Mean log loss' } as const;

function Cells({ page: { cells, epochs }, best }: { page: RunPage; best: number }) {
  const lines = epochs.flatMap(({ phase }, i) => (i > 0 && phase !== epochs[i - 1].phase ? [i] : []));
  return (
    <Section id="curves" title="AUC of each cell by epoch">
      <Figures
        size="curves"
        of={cells}
        names={cellNames}
        show={({ scenario, task }, c) => (
          <Curve
            label={`AUC of ${scenario}, ${task} by epoch`}
            points={epochs.map((_, i) => ['epochs', i, 'auc', c])}
            lines={lines}
            best={best}
          />
        )}
      />
      <Note>
        Validation rows, each cell on its own scale: its lowest and highest AUC are written below. The large point is
        the best epoch; vertical lines divide phases.
      </Note>
      <Folded title={`Table of ${epochs.length} epochs and ${cells.length} cells`}>
        <Table
          caption="AUC of each cell on validation rows"
          rows={epochs}
          at={['epochs']}
          columns={[
            ...HEADS,
            ...cells.map(({ scenario, task }, c) => deep<EpochPoint>(`${scenario}, ${task}`, ['auc', c], 'metric')),
          ]}
        />
      </Folded>
    </Section>
  );
}

const HEADS: Column<EpochPoint>[] = [
  { title: 'phase', isHead: true, show: ({ phase }) => phase },
  numbers('epoch', 'epoch', 'count'),
];

const columnsOf = (tasks: readonly string[], epochs: readonly EpochPoint[]): Column<EpochPoint>[] => [
  ...HEADS,
  ...tasks.map((task) => deep<EpochPoint>(`loss of ${task}`, ['losses', task], 'metric')),
  numbers('watched', 'monitor', 'metric'),
  deep('mean AUC', ['validation', 'auc'], 'metric', 'validation'),
  deep('mean log loss', ['validation', 'logloss'], 'metric', 'validation'),
  ...(epochs.some(({ temperature }) => temperature !== undefined)
    ? [
        {
          title: 'temperature',
          isNumber: true,
          show: ({ temperature }: EpochPoint, at: Path) =>
            temperature === undefined ? '–' : <Num at={[...at, 'temperature']} as="number" />,
        },
      ]
    : []),
  { title: 'best', show: ({ best }) => (best ? 'best so far' : '') },
];

interface Point {
  /** Index in `epochs`. */
  i: number;
  value: number | null;
}

/** A line for each task. */
function Lines({
  what,
  tasks,
  epochs,
  of,
}: {
  what: string;
  tasks: readonly string[];
  epochs: readonly EpochPoint[];
  of: (i: number, task: string) => Path;
}) {
  const page = useContext(PageContext);
  const draw = useCallback(
    (): PlotOptions => ({
      height: 240,
      marginLeft: 52,
      x: { label: 'epoch', ticks: tickCount(epochs.length), tickFormat: 'd' },
      y: { label: what, grid: true, nice: true },
      marks: tasks.flatMap((task, n) => {
        const points = epochs.map((_, i): Point => ({ i, value: lookUp(page, of(i, task)) as number | null }));
        const channels = { x: ({ i }: Point) => i + 1, y: 'value' };
        return [
          line(points, { ...channels, stroke: colour(n) }),
          dot(points, {
            ...channels,
            fill: colour(n),
            symbol: symbol(n),
            r: 3.5,
            ...draws(points, ({ i }) => ({ ty: of(i, task) })),
          }),
        ];
      }),
    }),
    [epochs, tasks, page],
  );
  return <Chart label={`${what} of each task by epoch`} draw={draw} />;
}

/** One value by epoch; those that have none are left out. */
function Measure({
  title,
  best,
  epochs,
  of,
}: {
  title: string;
  best: number;
  epochs: readonly EpochPoint[];
  of: (i: number) => Path;
}) {
  const page = useContext(PageContext);
  const draw = useCallback((): PlotOptions => {
    const points = epochs.flatMap((_, i): Point[] => {
      const value = lookUp(page, of(i));
      return typeof value === 'number' ? [{ i, value }] : [];
    });
    const channels = { x: ({ i }: Point) => i + 1, y: 'value' };
    return {
      height: 190,
      marginTop: 10,
      marginLeft: 52,
      x: { domain: [1, Math.max(2, epochs.length)], label: 'epoch', ticks: tickCount(epochs.length), tickFormat: 'd' },
      y: { label: null, grid: true, nice: true, ticks: 4 },
      marks: [
        ...(best < 0 ? [] : [ruleX([best + 1], { stroke: 'var(--soft)', strokeDasharray: '4 3' })]),
        line(points, { ...channels, stroke: colour(0) }),
        dot(points, { ...channels, fill: colour(0), r: 3.5, ...draws(points, ({ i }) => ({ cy: of(i) })) }),
      ],
    };
  }, [epochs, best, page]);
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <Chart label={`${title} by epoch`} draw={draw} />
    </figure>
  );
}

const tickCount = (epochs: number): number => Math.min(epochs, 6);
