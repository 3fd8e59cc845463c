/** What a training spent its time on. */
import { useMemo } from 'preact/hooks';
import { Bars } from '../../components/bars.tsx';
import { Folded, Note, Section } from '../../components/section.tsx';
import { type Column, named, numbers, Table } from '../../components/table.tsx';
import { Num, type Path } from '../../components/value.tsx';
import type { RunPage } from '../../page.ts';

export function Time({ page: { result, timings } }: { page: RunPage }) {
  const last = timings.length - 1;
  const at: Path = result?.parts === undefined ? ['timings', last, 'parts'] : ['result', 'parts'];
  const parts = result?.parts ?? timings[last]?.parts;
  // A chart is drawn anew with its rows.
  const rows = useMemo(
    () => Object.keys(parts ?? {}).map((name) => ({ name, value: [...at, name] })),
    [parts, at.join('/')],
  );
  if (timings.length === 0) return null;
  return (
    <Section id="time" title="Where the time went">
      {rows.length > 0 && (
        <>
          <Bars label="Processor time by part" unit="processor seconds" rows={rows} />
          <Table
            caption="Processor time"
            rows={rows}
            at={at}
            columns={[
              named<(typeof rows)[number]>('part', ({ name }) => name),
              { title: 'time', isNumber: true, show: ({ value }) => <Num at={value} as="duration" /> },
            ]}
          />
          <Note>Of all cores together, so that it may be longer than the clock says.</Note>
        </>
      )}
      <Folded title={`Speed in ${timings.length} epochs`}>
        <Table caption="Steps of each epoch" rows={timings} at={['timings']} columns={SPEED} />
      </Folded>
    </Section>
  );
}

const SPEED: Column<RunPage['timings'][number]>[] = [
  { title: 'phase', isHead: true, show: ({ phase }) => phase },
  numbers('epoch', 'epoch', 'count'),
  numbers('time', 'seconds', 'duration', 'by the clock'),
  numbers('rows a second', 'rowsPerSecond', 'number'),
];
