/** An artifact: what it contains, what selection decided and saved, how it is calibrated. */
import { Forest } from '../components/forest.tsx';
import { Grid } from '../components/grid.tsx';
import { Name } from '../components/name.tsx';
import { Note, Section } from '../components/section.tsx';
import { type Column, deep, named, numbers, Table, texts } from '../components/table.tsx';
import { Interval, Num } from '../components/value.tsx';
import type { ArtifactPage } from '../page.ts';
import { CellGrid } from './cells.tsx';
import { FlowVerdict } from './flow-verdict.tsx';

export function Artifact({ page }: { page: ArtifactPage }) {
  const { artifact } = page;
  const { graphs, scenarios, tables, metrics, verdict, selection } = artifact;
  return (
    <>
      {metrics && (
        <Section id="cells" title="Where the model wins or loses">
          <CellGrid grid={metrics} at={['artifact', 'metrics']} rows="test rows" />
        </Section>
      )}
      {selection && <Selection page={page} selection={selection} />}
      <Section id="graphs" title="What it contains">
        <Table
          caption="Graphs: what a row costs"
          rows={graphs}
          at={['artifact', 'graphs']}
          columns={[
            named<ArtifactPage['artifact']['graphs'][number]>('graph', ({ scenario }) =>
              scenario === undefined ? 'all scenarios' : scenarios[scenario],
            ),
            numbers('multiply-adds', 'multiplyAdds', 'count', 'a row'),
            numbers('parameters', 'parameters', 'count'),
            { title: 'tables', show: ({ tables: own }) => <Name of={own.join(', ')} /> },
            { title: 'selection', show: ({ selection: kind }) => kind },
          ]}
        />
        <Table
          caption="Embedding tables"
          rows={tables}
          at={['artifact', 'tables']}
          columns={[
            texts('table', 'name'),
            numbers('rows', 'rows', 'count'),
            numbers('dimension', 'dimension', 'count'),
          ]}
        />
        <Note>
          Score: <code>{artifact.score.default}</code>
          {Object.entries(artifact.score.scenarios).map(([scenario, score]) => (
            <span key={scenario}>
              ; in <Name of={scenario} />: <code>{score}</code>
            </span>
          ))}
        </Note>
      </Section>
      {verdict && (
        <Section id="flows" title="What each cell uses">
          <FlowVerdict flows={verdict} at={['artifact', 'verdict']} sentences={page.flowSentences} />
        </Section>
      )}
      <Calibration artifact={artifact} />
    </>
  );
}

type Selected = NonNullable<ArtifactPage['artifact']['selection']>;

function Selection({ page, selection }: { page: ArtifactPage; selection: Selected }) {
  const { scenarios } = page.artifact;
  const timed = selection.latency.flatMap((times, s) => (times === null ? [] : [{ s }]));
  const at = ['artifact', 'selection'];
  return (
    <Section id="selection" title="What selection saves">
      <Forest
        label="Time of 100 rows after selection, and before"
        unit="milliseconds of a batch of 100 rows, one thread"
        rows={timed.map(({ s }) => ({
          name: scenarios[s],
          value: [...at, 'latency', s, 'after'],
          other: [...at, 'latency', s, 'before'],
        }))}
      />
      <Note>Points: after selection; ticks: before. Medians on the machine that made the artifact.</Note>
      <Table
        caption="Time of a batch of 100 rows of a scenario, one thread, medians"
        rows={selection.latency}
        at={[...at, 'latency']}
        columns={[
          named<Selected['latency'][number]>('scenario', (times) => scenarios[selection.latency.indexOf(times)]),
          ...(['before', 'after'] as const).map(
            (when): Column<Selected['latency'][number]> => ({
              title: when,
              isNumber: true,
              show: (times, own) => (times === null ? '–' : <Num at={[...own, when]} as="milliseconds" />),
            }),
          ),
        ]}
      />
      {Object.entries(selection.decisions).map(([name, perScenario]) => (
        <div key={name}>
          <h3>
            <Name of={name} />
          </h3>
          <Decisions name={name} perScenario={perScenario} scenarios={scenarios} />
        </div>
      ))}
      <Note>
        ● always, ○ never, ◐ from row to row: gates and choices on the measured rows; nothing is proven for others.
      </Note>
      <Table
        caption="The graphs held against the model, row by row"
        rows={selection.compared}
        at={[...at, 'compared']}
        columns={[
          texts('split', 'split'),
          numbers('rows', 'rows', 'count'),
          numbers('differing', 'differing', 'count', 'by more than 1e-6'),
          numbers('largest difference', 'largest', 'number', 'of a probability'),
          deep('mean AUC before', ['auc', 'before'], 'metric'),
          deep('after', ['auc', 'after'], 'metric'),
        ]}
      />
    </Section>
  );
}

const MARKS = { 0: '○', 1: '●', null: '◐' } as const;

function Decisions({
  name,
  perScenario,
  scenarios,
}: {
  name: string;
  perScenario: Selected['decisions'][string];
  scenarios: readonly string[];
}) {
  const rows = perScenario.map((decided, s) => ({ decided, s }));
  return (
    <Table
      caption={`What ${name} does in each scenario`}
      rows={rows}
      at={['artifact', 'selection', 'decisions', name]}
      columns={[
        named<(typeof rows)[number]>('scenario', ({ s }) => scenarios[s]),
        ...(perScenario[0] ?? []).map(
          (_, i): Column<(typeof rows)[number]> => ({
            title: String(i),
            show: ({ decided }) => MARKS[String(decided[i]) as keyof typeof MARKS],
          }),
        ),
      ]}
    />
  );
}

function Calibration({ artifact }: { artifact: ArtifactPage['artifact'] }) {
  const { scenarios, tasks, calibration } = artifact;
  const cells = scenarios.flatMap((scenario, s) => tasks.map((task, t) => ({ scenario, task, s, t })));
  return (
    <Section id="calibration" title="How logits become probabilities">
      <Grid
        caption="Calibration of each cell"
        cells={cells}
        show={({ s, t }) => {
          const fitted = calibration[s][t];
          const at = ['artifact', 'calibration', s, t];
          if (fitted.kind === 'none')
            return (
              <>
                none<small class="wrap">{fitted.reason}</small>
              </>
            );
          if (fitted.kind === 'platt')
            return (
              <>
                Platt
                <small>
                  scale <Num at={[...at, 'scale']} as="number" />, shift <Num at={[...at, 'shift']} as="number" />
                </small>
              </>
            );
          return (
            <>
              isotonic
              <small>
                {fitted.x.length} knots, probabilities{' '}
                <Interval at={[...at, 'y']} as="metric" low="0" high={String(fitted.y.length - 1)} />
              </small>
            </>
          );
        }}
      />
    </Section>
  );
}
