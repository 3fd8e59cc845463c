/** A comparison: models against the baseline first, then cells, transfer, and what quality costs. */
import { Forest, type ForestRow } from '../../components/forest.tsx';
import { Folded, Note, Section } from '../../components/section.tsx';
import { type Column, named, numbers, Table, texts } from '../../components/table.tsx';
import { Estimate, Interval, Num, type Path, Sign } from '../../components/value.tsx';
import type { ComparisonPage, ShownDataset, ShownTests } from '../../page.ts';
import { Courses } from './courses.tsx';
import { Pareto } from './pareto.tsx';

export function Comparison({ page }: { page: ComparisonPage }) {
  return (
    <>
      {page.result.datasets.map((dataset, d) => (
        <Dataset key={dataset.data} page={page} dataset={dataset} d={d} />
      ))}
    </>
  );
}

function Dataset({ page, dataset, d }: { page: ComparisonPage; dataset: ShownDataset; d: number }) {
  const { result } = page;
  const at: Path = ['result', 'datasets', d];
  const of = result.datasets.length > 1 ? ` on ${dataset.data}` : '';
  const { models, tests, transfer, yardsticks } = dataset;
  const references = [...new Set(transfer.map(({ against }) => against))];
  return (
    <>
      <Section id={`models-${d}`} title={`Which model is best${of}`}>
        <Forest
          label="Mean AUC of the models"
          unit="mean AUC over cells, test rows"
          rows={models.flatMap(({ model, macro }, m): ForestRow[] => {
            const auc = [...at, 'models', m, 'macro', 'auc'];
            if (macro.auc === null) return [];
            const ends = macro.auc.low === null ? {} : { low: [...auc, 'low'], high: [...auc, 'high'] };
            return [{ name: model, value: [...auc, 'mean'], ...ends }];
          })}
        />
        <Note>
          Means over {result.seeds.length} seeds, with {100 * result.confidence} % intervals of the mean over seeds
          (Student's t).
        </Note>
        <Table
          caption="Means over cells and seeds, test rows"
          rows={models}
          at={[...at, 'models']}
          columns={MODEL_COLUMNS}
        />
      </Section>
      <Courses models={models} at={[...at, 'models']} d={d} of={of} />
      {tests.length > 0 && (
        <Section id={`tests-${d}`} title={`What differs from ${result.baseline}${of}`}>
          <Differences tests={tests} at={[...at, 'tests']} groups={dataset.groups.of} />
        </Section>
      )}
      <Section id={`cells-${d}`} title={`Where the models win or lose${of}`}>
        <CellMatrix dataset={dataset} at={at} baseline={result.baseline} />
      </Section>
      {references.map((reference, r) => (
        <Section
          key={reference}
          id={`transfer-${d}-${r}`}
          title={`Does sharing help or hurt a cell? Against ${reference}${of}`}
        >
          <Matrix
            caption={`AUC minus that of ${reference}, by DeLong's test on test rows`}
            dataset={dataset}
            lines={transfer.flatMap((tests, i) =>
              tests.against === reference ? [{ tests, at: [...at, 'transfer', i] }] : [],
            )}
          />
          <Note>▲ the joint model gains, ▼ it loses (95 % interval of DeLong's test); ◇ not decided.</Note>
        </Section>
      ))}
      {yardsticks && yardsticks.tests.length > 0 && (
        <Section id={`yardsticks-${d}`} title={`Is a model worth more than a simple predictor?${of}`}>
          <Differences tests={yardsticks.tests} at={[...at, 'yardsticks', 'tests']} groups={dataset.groups.of} />
        </Section>
      )}
      <Section id={`cost-${d}`} title={`Is it worth its cost?${of}`}>
        <Pareto dataset={dataset} at={at} front={page.fronts[d]} />
        <Table
          caption="What a row costs and how large the models are"
          rows={models}
          at={[...at, 'models']}
          columns={[
            texts('model', 'model'),
            numbers('multiply-adds', 'multiplyAddsPerRow', 'count', 'a row'),
            numbers('dense parameters', 'denseParameters', 'count'),
            numbers('embedding parameters', 'embeddingParameters', 'count'),
            {
              title: 'on the front',
              show: ({ model }) => (page.fronts[d].includes(model) ? '● yes' : ''),
            },
          ]}
        />
        {page.times && d === 0 && (
          <Folded title="Time and memory of the trainings">
            <Table
              caption="Means over seeds; up to the end of the best epoch"
              rows={page.times.models}
              at={['times', 'models']}
              columns={[
                texts('model', 'model'),
                texts('data', 'data'),
                numbers('wall time', 'secondsToBest', 'duration'),
                numbers('processor time', 'processorSecondsToBest', 'duration'),
                numbers('whole training', 'seconds', 'duration'),
                numbers('peak memory', 'peakBytes', 'bytes'),
              ]}
            />
          </Folded>
        )}
      </Section>
    </>
  );
}

type Model = ShownDataset['models'][number];

const mean = (
  title: string,
  metric: 'auc' | 'groupedAuc' | 'ndcg' | 'logloss' | 'calibrationError',
): Column<Model> => ({
  title,
  isNumber: true,
  show: ({ macro }, at) => (macro[metric] ? <Num at={[...at, 'macro', metric, 'mean']} as="metric" /> : '–'),
});

const MODEL_COLUMNS: Column<Model>[] = [
  texts('model', 'model'),
  mean('AUC', 'auc'),
  {
    title: 'interval',
    unit: "Student's t",
    isNumber: true,
    show: ({ macro }, at) =>
      macro.auc === null || macro.auc.low === null ? '–' : <Interval at={[...at, 'macro', 'auc']} as="metric" />,
  },
  {
    title: 'seeds',
    isNumber: true,
    show: ({ macro }, at) => (macro.auc === null ? '–' : <Num at={[...at, 'macro', 'auc', 'n']} as="count" />),
  },
  mean('grouped AUC', 'groupedAuc'),
  mean('log loss', 'logloss'),
  mean('calibration error', 'calibrationError'),
];

/** Differences of mean AUC, by a bootstrap of groups of test rows. */
function Differences({ tests, at, groups }: { tests: readonly ShownTests[]; at: Path; groups: string }) {
  const known = tests.flatMap(({ model, macro }, i) => (macro.bootstrap === null ? [] : [{ model, i }]));
  return (
    <>
      <Forest
        label="Differences of mean AUC"
        unit="difference of mean AUC, test rows"
        zero
        rows={known.map(({ model, i }) => {
          const test = [...at, i, 'macro', 'bootstrap'];
          return { name: model, value: [...test, 'difference'], low: [...test, 'low'], high: [...test, 'high'] };
        })}
      />
      <Note>
        Intervals by a bootstrap of {groups}s of test rows. A filled triangle is better, a filled square worse; the
        interval of a hollow circle contains 0.
      </Note>
      <Table
        caption="Differences of mean AUC; p corrected for all comparisons of the table"
        rows={tests}
        at={at}
        columns={[
          texts('model', 'model'),
          texts('against', 'against'),
          {
            title: 'difference',
            isNumber: true,
            show: ({ macro }, own) =>
              macro.bootstrap === null ? (
                '–'
              ) : (
                <>
                  <Sign at={[...own, 'macro', 'bootstrap']} />{' '}
                  <Num at={[...own, 'macro', 'bootstrap', 'difference']} as="signed" />
                </>
              ),
          },
          {
            title: 'interval',
            unit: `bootstrap of ${groups}s`,
            isNumber: true,
            show: ({ macro }, own) =>
              macro.bootstrap === null ? '–' : <Interval at={[...own, 'macro', 'bootstrap']} as="signed" />,
          },
          ...(['bootstrap', 'seeds'] as const).map(
            (kind): Column<ShownTests> => ({
              title: kind === 'bootstrap' ? 'p over rows' : 'p over seeds',
              isNumber: true,
              show: ({ macro }, own) =>
                macro[kind] === null ? '–' : <Num at={[...own, 'macro', kind, 'corrected']} as="p" />,
            }),
          ),
        ]}
      />
    </>
  );
}

/** A line per model, a column per cell: AUC, and the difference to the baseline. */
function CellMatrix({ dataset, at, baseline }: { dataset: ShownDataset; at: Path; baseline: string }) {
  const { models, tests } = dataset;
  const lines = models.map(({ model }, m) => {
    const i = tests.findIndex((test) => test.model === model);
    return { model: m, tests: i < 0 ? undefined : tests[i], at: [...at, 'tests', i] };
  });
  return (
    <>
      <Table
        caption={`AUC of each cell, mean over seeds, and its difference to ${baseline}`}
        rows={lines}
        at={[...at, 'models']}
        columns={[
          named<(typeof lines)[number]>('model', ({ model }) => models[model].model),
          ...models[0].cells.map(
            ({ scenario, task }, c): Column<(typeof lines)[number]> => ({
              title: `${scenario}, ${task}`,
              isNumber: true,
              show: ({ model, tests: own, at: place }, line) => (
                <>
                  {models[model].cells[c].auc === null ? (
                    '–'
                  ) : (
                    <Num at={[...line, 'cells', c, 'auc', 'mean']} as="metric" />
                  )}
                  {own?.cells[c].delong && (
                    <small>
                      <Sign at={[...place, 'cells', c, 'delong']} />{' '}
                      <Num at={[...place, 'cells', c, 'delong', 'difference']} as="signed" />
                    </small>
                  )}
                </>
              ),
            }),
          ),
        ]}
      />
      <Note>
        ▲ better and ▼ worse than {baseline} by the 95 % interval of DeLong's test on test rows (for each cell alone); ◇
        not decided.
      </Note>
      <Folded title="Rows and positives of the cells">
        <Table
          caption="Test rows with a label"
          rows={models[0].cells}
          at={[...at, 'models', 0, 'cells']}
          columns={[
            texts('scenario', 'scenario'),
            texts('task', 'task'),
            numbers('rows', 'rows', 'count'),
            numbers('positives', 'positives', 'count'),
          ]}
        />
      </Folded>
      <Folded title="Log loss of the cells">
        <Table
          caption="Log loss of each cell, mean over seeds"
          rows={models}
          at={[...at, 'models']}
          columns={[
            texts('model', 'model'),
            ...models[0].cells.map(
              ({ scenario, task }, c): Column<Model> => ({
                title: `${scenario}, ${task}`,
                isNumber: true,
                show: ({ cells }, line) =>
                  cells[c].logloss === null ? '–' : <Num at={[...line, 'cells', c, 'logloss', 'mean']} as="metric" />,
              }),
            ),
          ]}
        />
      </Folded>
    </>
  );
}

interface Line {
  tests: ShownTests;
  at: Path;
}

/** Differences to a reference: a line per model, a column per cell. */
function Matrix({ caption, dataset, lines }: { caption: string; dataset: ShownDataset; lines: readonly Line[] }) {
  const cell = ({ delong }: ShownTests['cells'][number], at: Path) =>
    delong === null ? '–' : <Estimate at={[...at, 'delong']} value="difference" />;
  return (
    <Table
      caption={caption}
      rows={lines}
      at={[]}
      columns={[
        named<Line>('model', ({ tests }) => tests.model),
        ...dataset.models[0].cells.map(
          ({ scenario, task }, c): Column<Line> => ({
            title: `${scenario}, ${task}`,
            isNumber: true,
            show: ({ tests, at }) => cell(tests.cells[c], [...at, 'cells', c]),
          }),
        ),
      ]}
    />
  );
}
