/** Analyses of data and models: an evaluation, flows, transfer. */
import type { TransferCell, TransferDocument, TransferFlow } from '../../documents/transfer.ts';
import { Forest } from '../components/forest.tsx';
import { Grid } from '../components/grid.tsx';
import { Name } from '../components/name.tsx';
import { Note, Section, Sentences } from '../components/section.tsx';
import { type Column, numbers, Table, texts } from '../components/table.tsx';
import { Estimate, Num } from '../components/value.tsx';
import type { EvaluationPage, FlowsPage, TransferPage } from '../page.ts';
import { CellGrid } from './cells.tsx';
import { FlowVerdict } from './flow-verdict.tsx';

export const Evaluation = ({ page }: { page: EvaluationPage }) => (
  <Section id="cells" title="Where the model wins or loses">
    <CellGrid
      grid={page.evaluation}
      at={['evaluation']}
      rows={page.evaluation.split === undefined ? 'the rows' : `${page.evaluation.split} rows`}
    />
  </Section>
);

export const Flows = ({ page }: { page: FlowsPage }) => (
  <Section id="flows" title="What each cell uses">
    <FlowVerdict flows={page.flows} at={['flows']} sentences={page.flowSentences} />
  </Section>
);

const WORTH = {
  selective: 'sharing where cells have something in common',
  everything: 'sharing everything alike',
  models: 'the model against the other',
} as const;

export function Transfer({ page }: { page: TransferPage }) {
  const { cells, flows } = page.transfer;
  const kinds = (['selective', 'everything', 'models'] as const).filter((kind) =>
    cells.some((cell) => cell[kind] !== null),
  );
  const measured = flows.filter((flow) => flow.measured !== null);
  return (
    <>
      {kinds.map((kind) => (
        <Section key={kind} id={kind} title={`What a cell gains: ${WORTH[kind]}`}>
          <Forest
            label={`Change of AUC: ${WORTH[kind]}`}
            unit="change of AUC on validation rows"
            zero
            rows={cells.flatMap(({ scenario, task, [kind]: comparison }, i) => {
              const at = ['transfer', 'cells', i, kind, 'aucChange'];
              return comparison === null
                ? []
                : [
                    {
                      name: [scenario, task],
                      value: [...at, 'value'],
                      low: [...at, 'low'],
                      high: [...at, 'high'],
                    },
                  ];
            })}
          />
          <Note>
            {kind === 'models' ? 'One model against the other' : "Against a ranker of the cell's own rows alone"}; 95 %
            intervals of each cell by itself. The verdict is corrected for the number of cells, so that an interval
            without 0 may be undecided.
          </Note>
          <Table
            caption="AUC on validation rows"
            rows={cells}
            at={['transfer', 'cells']}
            columns={worthColumns(kind)}
          />
        </Section>
      ))}
      {page.transfer.sources !== undefined && page.transfer.sources.length > 0 && (
        <Section id="sources" title="What the rows of one other scenario add">
          <Sentences of={page.sourceSentences} />
          {page.transfer.tasks.map((task) => (
            <SourceGrid key={task} task={task} transfer={page.transfer} />
          ))}
          <Note>
            Change of AUC on validation rows of the target, with its 95 % interval, when its ranker learns from the rows
            of the source as well, as if effects were the same. ▲ helps and ▼ hurts beyond chance (corrected for the
            number of pairs); without a sign nothing is decided.
          </Note>
        </Section>
      )}
      {measured.length > 0 && (
        <Section id="flows" title="What passes through each flow, and what the labels carry">
          <Sentences of={page.flowSentences} />
          <Table
            caption="Strength of each flow, 1 = its usual one: in the labels, and in the ranker"
            rows={flows}
            at={['transfer', 'flows']}
            columns={FLOW_COLUMNS}
          />
        </Section>
      )}
    </>
  );
}

/** Targets by lines, sources by columns. */
function SourceGrid({ task, transfer: { sources = [], scenarios } }: { task: string; transfer: TransferDocument }) {
  const own = sources.flatMap((pair, i) =>
    pair.task === task ? [{ scenario: pair.target, task: pair.source, verdict: pair.verdict, i }] : [],
  );
  if (own.length === 0) return null;
  return (
    <Grid
      caption={`${task}: target (lines) by source (columns)`}
      corner="target"
      cells={own}
      columns={scenarios}
      show={({ verdict, i }) => (
        <Estimate at={['transfer', 'sources', i, 'aucChange']} hasSign={verdict !== 'undecided'} />
      )}
    />
  );
}

const worthColumns = (kind: keyof typeof WORTH): Column<TransferCell>[] => [
  texts('scenario', 'scenario'),
  texts('task', 'task'),
  {
    title: 'without',
    isNumber: true,
    show: (cell, at) => (cell[kind] === null ? '–' : <Num at={[...at, kind, 'againstAuc']} as="metric" />),
  },
  {
    title: 'with',
    isNumber: true,
    show: (cell, at) => (cell[kind] === null ? '–' : <Num at={[...at, kind, 'auc']} as="metric" />),
  },
  {
    title: 'change',
    unit: '95 % interval',
    isNumber: true,
    show: (cell, at) =>
      cell[kind] === null ? <Name of={cell.reason ?? '–'} /> : <Estimate at={[...at, kind, 'aucChange']} />,
  },
  { title: 'verdict', show: (cell) => cell[kind]?.verdict ?? '' },
  numbers('rows', 'rows', 'count'),
  numbers('positives', 'positives', 'count'),
];

const FLOW_COLUMNS: Column<TransferFlow>[] = [
  texts('scenario', 'scenario'),
  texts('task', 'task'),
  { title: 'flow', show: ({ name }) => name },
  ...(['labels', 'model'] as const).map(
    (whose): Column<TransferFlow> => ({
      title: whose === 'labels' ? 'labels' : 'ranker',
      unit: '95 % interval',
      isNumber: true,
      show: ({ measured }, at) =>
        measured === null ? '–' : <Estimate at={[...at, 'measured', whose]} as="strength" hasSign={false} />,
    }),
  ),
  {
    title: 'negative transfer',
    show: ({ negative }) => (negative === null ? 'not tested' : negative ? '▼ yes' : 'none found'),
  },
];
