/** Live data against training data: fields by how much they moved, scenarios, and the probabilities of cells. */
import { barY, type PlotOptions } from '@observablehq/plot';
import { useCallback } from 'preact/hooks';
import type { DriftDocument } from '../../documents/loop/drift.ts';
import { Chart, draws } from '../components/chart.tsx';
import { Forest } from '../components/forest.tsx';
import { colour, Legend } from '../components/palette.tsx';
import { cellNames, Figures, Note, Section } from '../components/section.tsx';
import { deep, numbers, Table, texts } from '../components/table.tsx';
import type { DriftPage } from '../page.ts';

export function Drift({ page }: { page: DriftPage }) {
  const { fields, scenarios, cells } = page.drift;
  return (
    <>
      <Section id="fields" title="Which fields have moved?">
        <Forest
          label="Population stability index of each field"
          unit="population stability index"
          rows={fields.map(({ field }, i) => ({
            name: field,
            value: ['drift', 'fields', i, 'psi'],
            other: ['drift', 'fields', i, 'byChance'],
          }))}
        />
        <Note>
          Points: live values against training rows; by custom below 0.1 the same population, from 0.25 on another one.
          Ticks: what two samples of one population give by chance.
        </Note>
        <Table
          caption="Fields, the farthest moved first"
          rows={fields}
          at={['drift', 'fields']}
          columns={[
            texts('field', 'field'),
            numbers('PSI', 'psi', 'metric'),
            numbers('by chance', 'byChance', 'metric'),
            deep('unknown in training', ['outOfVocabulary', 'training'], 'percent'),
            deep('unknown live', ['outOfVocabulary', 'live'], 'percent'),
            numbers('values', 'values', 'count'),
          ]}
        />
      </Section>
      <Section id="scenarios" title="Is the traffic the same?">
        <Table
          caption="Share of the scenarios"
          rows={scenarios}
          at={['drift', 'scenarios']}
          columns={[
            texts('scenario', 'scenario'),
            numbers('in training', 'training', 'percent'),
            numbers('live', 'live', 'percent'),
          ]}
        />
      </Section>
      {cells.length > 0 && (
        <Section id="cells" title="Have the probabilities moved?">
          <Figures size="multiples" of={cells} names={cellNames} show={(cell, i) => <Scores cell={cell} i={i} />} />
          <Legend names={['validation rows', 'live']} />
          <Note>
            Share of rows by predicted probability, from low to high; bars of validation rows and of live answers side
            by side.
          </Note>
          <Table
            caption="Probabilities of the cells"
            rows={cells}
            at={['drift', 'cells']}
            columns={[
              texts('scenario', 'scenario'),
              texts('task', 'task'),
              numbers('PSI', 'psi', 'metric'),
              numbers('by chance', 'byChance', 'metric'),
              deep('mean, validation', ['mean', 'training'], 'metric'),
              deep('mean, live', ['mean', 'live'], 'metric'),
              numbers('rows', 'rows', 'count'),
            ]}
          />
        </Section>
      )}
    </>
  );
}

type Cell = DriftDocument['cells'][number];

function Scores({ cell, i }: { cell: Cell; i: number }) {
  const draw = useCallback((): PlotOptions => {
    const bars = (['training', 'live'] as const).map((which, n) => ({
      n,
      rows: cell[which].map((share, b) => ({ share, x: b + (n === 0 ? 0 : 0.4), b, which })),
    }));
    return {
      height: 180,
      marginTop: 8,
      marginLeft: 44,
      x: {
        axis: null,
        type: 'band',
        domain: cell.training.flatMap((_, b) => [b, b + 0.4]),
        paddingInner: 0,
        paddingOuter: 0.1,
      },
      y: { label: null, grid: true, ticks: 4 },
      marks: bars.map(({ n, rows }) =>
        barY(rows, {
          x: 'x',
          y: 'share',
          fill: colour(n),
          insetRight: n === 0 ? 0 : 3,
          ...draws(rows, ({ which, b }) => ({ height: ['drift', 'cells', i, which, b] })),
        }),
      ),
    };
  }, [cell, i]);
  return <Chart label={`Share of rows by probability: ${cell.scenario}, ${cell.task}`} draw={draw} />;
}
