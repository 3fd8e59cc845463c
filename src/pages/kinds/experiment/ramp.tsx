/** A ramp of an experiment: its coverage by time, and every change with its reason. */
import { dot, line, type PlotOptions } from '@observablehq/plot';
import { useCallback } from 'preact/hooks';
import type { RampRecord } from '../../../documents/experiment/ramp.ts';
import { timeText } from '../../../report/numbers.ts';
import { Chart, draws } from '../../components/chart.tsx';
import { Sentence } from '../../components/name.tsx';
import { colour } from '../../components/palette.tsx';
import { Note, Section } from '../../components/section.tsx';
import { type Column, numbers, Table } from '../../components/table.tsx';
import { Num } from '../../components/value.tsx';
import type { RampPage } from '../../page.ts';

export function Ramp({ page }: { page: RampPage }) {
  const { records, held } = page.ramp;
  const arms = [...new Set(records.flatMap(({ units }) => Object.keys(units)))];
  return (
    <Section id="ramp" title="What happened">
      {records.length > 1 && <Coverage records={records} />}
      {held && (
        <Note>
          Nothing changed at the last look ({timeText(held.at)}): <Sentence of={held.sentence} />
        </Note>
      )}
      <Table
        caption="Changes, oldest first"
        rows={records}
        at={['ramp', 'records']}
        columns={[
          { title: 'at', show: ({ at }) => <span class="short">{timeText(at)}</span> },
          { title: 'decision', show: ({ decision }) => DECISIONS[decision] },
          numbers('coverage', 'coverage', 'percent', 'from then on'),
          ...arms.map(
            (arm): Column<RampRecord> => ({
              title: arm,
              unit: 'units',
              isNumber: true,
              show: ({ units }, own) =>
                units[arm] === undefined ? '–' : <Num at={[...own, 'units', arm]} as="count" />,
            }),
          ),
          { title: 'because', show: ({ sentence }) => <Sentence of={sentence} /> },
        ]}
      />
    </Section>
  );
}

const DECISIONS: Record<RampRecord['decision'], string> = {
  begin: '○ begin',
  raise: '△ raise',
  'roll back': '▼ roll back',
  ship: '▲ ship',
  'no difference': '● no difference',
  stopped: '✕ stopped',
};

function Coverage({ records }: { records: readonly RampRecord[] }) {
  const draw = useCallback((): PlotOptions => {
    const points = records.map((record, i) => ({ ...record, i, time: new Date(record.at) }));
    return {
      height: 200,
      marginLeft: 52,
      marginRight: 16,
      x: { type: 'utc', label: null, ticks: 4 },
      y: { label: 'coverage', domain: [0, 1], grid: true, ticks: 4 },
      marks: [
        line(points, { x: 'time', y: 'coverage', stroke: colour(0), curve: 'step-after' }),
        dot(points, {
          x: 'time',
          y: 'coverage',
          r: 4,
          fill: colour(0),
          ...draws(points, ({ i }) => ({ cy: ['ramp', 'records', i, 'coverage'] })),
        }),
      ],
    };
  }, [records]);
  return <Chart label="Coverage by time" draw={draw} />;
}
