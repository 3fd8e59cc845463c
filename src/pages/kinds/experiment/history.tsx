/** How the differences of an experiment went: look by look, with their intervals, a small picture for each metric. */
import { dot, line, type PlotOptions, ruleX, ruleY } from '@observablehq/plot';
import { useCallback } from 'preact/hooks';
import type { ExperimentReport } from '../../../documents/experiment/report.ts';
import { timeText } from '../../../report/numbers.ts';
import { Chart, draws } from '../../components/chart.tsx';
import { colour } from '../../components/palette.tsx';
import { Figures, Folded, Note, Section } from '../../components/section.tsx';
import { deep, numbers, Table, texts } from '../../components/table.tsx';
import { Interval, type Path } from '../../components/value.tsx';

type Line = NonNullable<ExperimentReport['history']>[number];

/** A look at a metric, and its place in the document. */
interface Point extends Line {
  i: number;
  time: Date;
}

const AT: Path = ['experiment', 'history'];

/** `t`: of the treatment in the document; `looks`: when intervals hold. */
export function History({
  history,
  arm,
  t,
  looks,
}: {
  history: readonly Line[];
  arm: string;
  t: number;
  looks: string;
}) {
  const points = history
    .map((one, i): Point => ({ ...one, i, time: new Date(one.at) }))
    .filter((one) => one.arm === arm);
  const metrics = [...new Set(points.map(({ metric }) => metric))];
  if (points.length === metrics.length) return null;
  return (
    <Section id={`history-${t}`} title={`How did the differences of ${arm} go?`}>
      <Figures
        size="multiples"
        of={metrics}
        names={(metric) => [metric]}
        show={(metric) => <Differences metric={metric} points={points.filter((one) => one.metric === metric)} />}
      />
      <Note>
        Difference to the control. Intervals {looks}. A look without an interval had too few units to say anything.
      </Note>
      {t === 0 && (
        <Folded title={`Table of ${history.length} differences`}>
          <Table
            caption="Differences at each look"
            rows={history}
            at={AT}
            columns={[
              texts<Line>('arm', 'arm'),
              texts<Line>('metric', 'metric'),
              { title: 'as of', show: ({ at }) => timeText(at) },
              numbers('units', 'units', 'count'),
              deep<Line>('difference', ['difference', 'estimate'], 'number'),
              {
                title: 'interval',
                isNumber: true,
                show: (_, at) => <Interval at={[...at, 'difference']} as="number" />,
              },
            ]}
          />
        </Folded>
      )}
    </Section>
  );
}

function Differences({ metric, points }: { metric: string; points: readonly Point[] }) {
  const draw = useCallback((): PlotOptions => {
    const known = points.filter(({ difference: { low, high } }) => low !== null && high !== null);
    const at = ({ i }: Point, key: string): Path => [...AT, i, 'difference', key];
    const channels = { x: 'time', y: ({ difference }: Point) => difference.estimate };
    return {
      height: 180,
      marginTop: 8,
      marginLeft: 60,
      marginRight: 12,
      x: { type: 'utc', label: null, ticks: 3 },
      y: { label: null, ticks: 4, grid: true, nice: true },
      marks: [
        ruleY([0], { stroke: 'var(--soft)' }),
        line(points, { ...channels, stroke: colour(0) }),
        ruleX(known, {
          x: 'time',
          y1: ({ difference }: Point) => difference.low,
          y2: ({ difference }: Point) => difference.high,
          stroke: colour(0),
          strokeWidth: 2,
          ...draws(known, (one) => ({ y1: at(one, 'low'), y2: at(one, 'high') })),
        }),
        dot(points, {
          ...channels,
          r: 3.5,
          stroke: colour(0),
          fill: ({ difference: { low, high } }: Point) =>
            low !== null && high !== null && (low > 0 || high < 0) ? colour(0) : 'var(--paper)',
          ...draws(points, (one) => ({ cy: at(one, 'estimate') })),
        }),
      ],
    };
  }, [points]);
  return <Chart label={`Difference of ${metric} by time`} draw={draw} />;
}
