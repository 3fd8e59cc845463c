/** Which flows each cell uses: sentences, ribbons from scenarios over flows to tasks, and the table with certificates. */
import type { FlowDocument } from '../../documents/flows.ts';
import { Alluvial } from '../components/alluvial.tsx';
import { Folded, Note, Sentences } from '../components/section.tsx';
import { type Column, deep, numbers, Table, texts } from '../components/table.tsx';
import { Interval, Num, type Path } from '../components/value.tsx';

const SHORT = ['shared', 'specific', 'task-specific', 'scenario-specific'] as const;

export function FlowVerdict({ flows, at, sentences }: { flows: FlowDocument; at: Path; sentences: readonly string[] }) {
  const { scenarios, tasks, fields, notes } = flows;
  const isOpen = ({ verdict }: FlowDocument['flows'][number]): boolean => verdict !== 'useless';
  const ribbons = flows.flows.flatMap((line, i) =>
    isOpen(line)
      ? [
          {
            scenario: line.scenario,
            flow: SHORT[line.flow - 1],
            task: line.task,
            value: line.strength,
            at: [...at, 'flows', i, 'strength'],
          },
        ]
      : [],
  );
  return (
    <>
      <Sentences of={sentences} />
      <Alluvial
        label="Strength of the flows from scenarios to tasks"
        ribbons={ribbons}
        scenarios={scenarios}
        flows={SHORT.filter((name) => ribbons.some(({ flow, value }) => flow === name && value > 0))}
        tasks={tasks}
      />
      <Note>
        A ribbon is a flow of a cell, as wide as its strength (1 is the flow's usual one). Flows that are proven useless
        are not drawn.
      </Note>
      <Folded title={`Verdict and certificate of ${flows.flows.length} flows of cells`}>
        <Table
          caption="Flows of each cell: strength, verdict, and what AUC on validation rows would change by without the flow"
          rows={flows.flows}
          at={[...at, 'flows']}
          columns={FLOW_COLUMNS}
        />
      </Folded>
      <Folded title={`What each of ${fields.length} fields brings to the flows`}>
        <Table
          caption="Share of all that fields explain, by flow"
          rows={fields}
          at={[...at, 'fields']}
          columns={[
            texts('field', 'field'),
            ...SHORT.map((name, k) => deep<FlowDocument['fields'][number]>(name, ['share', k], 'percent')),
          ]}
        />
      </Folded>
      {notes.length > 0 && <Sentences of={notes} />}
    </>
  );
}

type Line = FlowDocument['flows'][number];

const FLOW_COLUMNS: Column<Line>[] = [
  texts('scenario', 'scenario'),
  texts('task', 'task'),
  { title: 'flow', show: ({ flow }) => SHORT[flow - 1] },
  numbers('strength', 'strength', 'strength'),
  { title: 'verdict', show: ({ verdict, reason }) => reason ?? WORDS[verdict] },
  numbers('p', 'p', 'p'),
  {
    title: 'AUC without it',
    unit: '95 % interval',
    isNumber: true,
    show: ({ certificate }, at) =>
      certificate === null ? (
        '–'
      ) : (
        <>
          <Num at={[...at, 'certificate', 'aucChange']} as="signed" />{' '}
          <small>
            <Interval at={[...at, 'certificate']} as="signed" low="aucLow" high="aucHigh" />
          </small>
        </>
      ),
  },
];

const WORDS: Record<Line['verdict'], string> = {
  useful: '● kept: useful',
  useless: '✕ cut: useless',
  'likely useless': '○ likely useless',
  undecided: '◇ undecided',
};
