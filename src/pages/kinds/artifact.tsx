/** An artifact: what it contains, what selection decided and saved, how it is calibrated. */
import { Forest } from '../components/forest.tsx';
import { Grid } from '../components/grid.tsx';
import { Name } from '../components/name.tsx';
import { Legend } from '../components/palette.tsx';
import { BucketTable, type PicturedCell, ReliabilityPictures } from '../components/reliability.tsx';
import { Folded, Note, Section } from '../components/section.tsx';
import { type Column, deep, named, numbers, Table, texts } from '../components/table.tsx';
import { Interval, Num } from '../components/value.tsx';
import type { ArtifactPage } from '../page.ts';
import { CellGrid } from './cells.tsx';
import { FlowVerdict } from './flow-verdict.tsx';

export function Artifact({ page }: { page: ArtifactPage }) {
  const { artifact } = page;
  const { graphs, scenarios, tables, metrics, verdict, selection, reliability } = artifact;
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
      {reliability && <Reliability cells={reliability} />}
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

type Fits = NonNullable<ArtifactPage['artifact']['reliability']>;

function Reliability({ cells }: { cells: Fits }) {
  const at = ['artifact', 'reliability'];
  const pictured = cells.map(
    ({ scenario, task, before, after }, i): PicturedCell => ({
      scenario,
      task,
      series: [
        { buckets: before.buckets, at: [...at, i, 'before', 'buckets'] },
        ...(after === undefined ? [] : [{ buckets: after.buckets, at: [...at, i, 'after', 'buckets'] }]),
      ],
    }),
  );
  return (
    <Section id="reliability" title="May the probabilities be trusted?">
      <Legend
        names={cells.some(({ after }) => after) ? ['before calibration', 'after calibration'] : ['not calibrated']}
      />
      <ReliabilityPictures cells={pictured} />
      <Note>
        Labelled validation rows in 20 buckets by predicted probability, counted by weight as calibration counts them:
        share of positives with its 95 % interval (Wilson, at the effective number of rows). On the dashed line
        probabilities are right. After calibration, a row that is held out has the probability of a calibration that was
        fitted without its fifth of the rows. All of them may have chosen the kind of calibration, and decided when
        training stopped: new rows may fit worse. A cell without a second series keeps its probabilities. Chance alone
        makes the calibration error larger than 0, the more so the fewer rows its buckets have.
      </Note>
      <Table
        caption="Expected calibration error of each cell on the validation rows"
        rows={cells}
        at={at}
        columns={[
          texts('scenario', 'scenario'),
          texts('task', 'task'),
          deep('before', ['before', 'error'], 'metric'),
          {
            title: 'after',
            isNumber: true,
            show: ({ after }, own) => (after === undefined ? '–' : <Num at={[...own, 'after', 'error']} as="metric" />),
          },
          { title: 'rows after', show: ({ after }) => (after === undefined ? 'not calibrated' : ROWS[after.rows]) },
        ]}
      />
      <Folded title="Tables of the buckets">
        {pictured.flatMap(({ scenario, task, series }) =>
          series.map((one, n) => (
            <BucketTable
              key={`${scenario} ${task} ${n}`}
              caption={`${scenario}, ${task}: ${n === 0 ? 'before' : 'after'} calibration`}
              {...one}
            />
          )),
        )}
      </Folded>
    </Section>
  );
}

const ROWS = { 'held out': 'held out', seen: 'those of the fit: it looks better than it is' } as const;

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
