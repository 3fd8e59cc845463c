/** A loop: its rounds in order, the gates of each, and how new models compare with the one that serves. */
import { timeText } from '../../report/numbers.ts';
import { Forest } from '../components/forest.tsx';
import { Grid } from '../components/grid.tsx';
import { Sentence } from '../components/name.tsx';
import { Folded, Note, Section } from '../components/section.tsx';
import { type Column, numbers, Table, texts } from '../components/table.tsx';
import { Estimate, Num } from '../components/value.tsx';
import type { LoopPage } from '../page.ts';

type Round = LoopPage['rounds'][number];

const DECISIONS: Record<NonNullable<Round['decision']>['kind'], { short: string; long: string }> = {
  loaded: { short: '● loaded', long: '● loaded: it serves' },
  ready: { short: '● ready', long: '● ready to be served' },
  refused: { short: '✕ refused', long: '✕ refused: the old model stays' },
  abandoned: { short: '○ given up', long: '○ given up' },
};

export function Loop({ page }: { page: LoopPage }) {
  const { rounds } = page;
  const judged = rounds.flatMap(({ judged: found, day }, i) =>
    found?.auc.difference ? [{ name: day, at: ['rounds', i, 'judged', 'auc', 'difference'] }] : [],
  );
  return (
    <>
      <Section id="rounds" title="What happened, round by round">
        <Timeline rounds={rounds} />
        {judged.length > 0 && (
          <Forest
            label="New models against the one that served"
            unit="mean AUC, new less serving"
            zero
            rows={judged.map(({ name, at }) => ({
              name,
              value: [...at, 'value'],
              low: [...at, 'low'],
              high: [...at, 'high'],
            }))}
          />
        )}
        <Note>On the day that neither model was trained on; 95 % intervals by a bootstrap of units.</Note>
        <Table caption="Rounds, oldest first" rows={rounds} at={['rounds']} columns={COLUMNS} />
      </Section>
      {rounds.map(
        ({ judged: found, day, round, decision }, i) =>
          found && (
            <Section key={round} id={`round-${i}`} title={`Round ${round}: gates of ${day}`}>
              <ul class="gates">
                {found.gates.map(({ gate, passed, sentence }) => (
                  <li key={gate}>
                    <Passed passed={passed} /> {gate}: <Sentence of={sentence} />
                  </li>
                ))}
              </ul>
              {decision && (
                <p>
                  {DECISIONS[decision.kind].long} ({timeText(decision.at)}): <Sentence of={decision.sentence} />
                </p>
              )}
              <Folded title="Cells and drift of fields">
                <Table
                  caption="AUC of each cell on the judging day"
                  rows={found.cells}
                  at={['rounds', i, 'judged', 'cells']}
                  columns={CELLS}
                />
                <Drift drift={found.drift} round={i} />
              </Folded>
            </Section>
          ),
      )}
    </>
  );
}

/** Stages of a round before it is decided, in their order. */
const STAGES = ['joined', 'prepared', 'trained', 'exported', 'judged'] as const;

/** A column for each round: how far it came, which gates held, and what was decided. */
function Timeline({ rounds }: { rounds: readonly Round[] }) {
  const gates = [...new Set(rounds.flatMap(({ judged }) => (judged?.gates ?? []).map(({ gate }) => gate)))];
  const columns = rounds.map(({ round, day }) => `${round}: ${day}`);
  const lines = ['stages', ...gates, 'decision'];
  return (
    <Grid
      caption="Rounds from left to right, by the day that judges: stages that are done, gates, and the decision"
      corner="what"
      cells={lines.flatMap((scenario) => columns.map((task, i) => ({ scenario, task, i })))}
      columns={columns}
      show={({ scenario: line, i }) => <Moment round={rounds[i]} line={line} />}
    />
  );
}

function Moment({ round, line }: { round: Round; line: string }) {
  if (line === 'decision') {
    if (round.decision === undefined) return <>not decided yet</>;
    return (
      <>
        {DECISIONS[round.decision.kind].short}
        <small>{timeText(round.decision.at)}</small>
      </>
    );
  }
  if (line === 'stages') {
    const done = STAGES.filter((stage) => round[stage] !== undefined);
    return <>{done.length === STAGES.length ? 'all done' : `up to "${done.at(-1)}"`}</>;
  }
  const gate = round.judged?.gates.find((one) => one.gate === line);
  return gate === undefined ? <>–</> : <Passed passed={gate.passed} />;
}

const Passed = ({ passed }: { passed: boolean }) => (
  <span class={passed ? 'good' : 'bad'}>{passed ? '● holds' : '✕ fails'}</span>
);

const COLUMNS: Column<Round>[] = [
  numbers('round', 'round', 'count'),
  texts('day', 'day'),
  {
    title: 'rows trained on',
    isNumber: true,
    show: ({ prepared }, at) => (prepared === undefined ? '–' : <Num at={[...at, 'prepared', 'train']} as="count" />),
  },
  ...(['serving', 'next'] as const).map(
    (which): Column<Round> => ({
      title: which === 'next' ? 'mean AUC, new' : 'mean AUC, serving',
      isNumber: true,
      show: ({ judged }, at) => (judged === undefined ? '–' : <Num at={[...at, 'judged', 'auc', which]} as="metric" />),
    }),
  ),
  {
    title: 'difference',
    unit: '95 % interval',
    isNumber: true,
    show: ({ judged }, at) => (judged?.auc.difference ? <Estimate at={[...at, 'judged', 'auc', 'difference']} /> : '–'),
  },
  {
    title: 'decision',
    show: ({ decision }) => (decision === undefined ? 'not decided yet' : DECISIONS[decision.kind].long),
  },
  { title: 'decided', show: ({ decision }) => (decision === undefined ? '' : timeText(decision.at)) },
];

type JudgedCell = NonNullable<Round['judged']>['cells'][number];

const CELLS: Column<JudgedCell>[] = [
  texts('scenario', 'scenario'),
  texts('task', 'task'),
  numbers('positives', 'positives', 'count'),
  ...(['serving', 'next'] as const).map(
    (which): Column<JudgedCell> => ({
      title: which === 'next' ? 'new' : 'serving',
      isNumber: true,
      show: ({ auc }, at) => (auc === null ? '–' : <Num at={[...at, 'auc', which]} as="metric" />),
    }),
  ),
  {
    title: 'difference',
    unit: '95 % interval',
    isNumber: true,
    show: ({ auc }, at) => (auc === null ? '–' : <Estimate at={[...at, 'auc', 'difference']} hasSign={false} />),
  },
];

function Drift({ drift, round }: { drift: Record<string, number>; round: number }) {
  const at = ['rounds', round, 'judged', 'drift'];
  const fields = Object.entries(drift)
    .map(([field, psi]) => ({ field, psi }))
    .sort((a, b) => b.psi - a.psi);
  return (
    <Table
      caption="Population stability index of each field, rows of the day against training rows; above 0.25 a field has changed"
      rows={fields}
      at={at}
      columns={[
        texts('field', 'field'),
        { title: 'PSI', isNumber: true, show: ({ field }) => <Num at={[...at, field]} as="number" /> },
      ]}
    />
  );
}
