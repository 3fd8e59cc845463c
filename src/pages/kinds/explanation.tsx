/** One request: why the first item is first, the ranking, what fields bring, the flows in force, and how logits became probabilities. */
import { useContext } from 'preact/hooks';
import type { Calibration } from '../../documents/artifact.ts';
import type {
  ExplainedCandidate,
  ExplainedField,
  ExplainedItem,
  ExplanationDocument,
} from '../../documents/diagnose/explanation.ts';
import { Forest } from '../components/forest.tsx';
import { Name } from '../components/name.tsx';
import { Folded, Note, Section } from '../components/section.tsx';
import { type Column, deep, named, numbers, Table, texts } from '../components/table.tsx';
import { Interval, Num, PageContext, type Path } from '../components/value.tsx';
import type { ExplanationPage } from '../page.ts';

/** Items in the picture of scores; the table has all. */
const DRAWN = 20;

export function Explanation({ page }: { page: ExplanationPage }) {
  const { explanation } = page;
  const { lead, explained, verdict } = explanation;
  return (
    <>
      {lead && <Lead explanation={explanation} lead={lead} />}
      <Section id="ranking" title="The ranking">
        <Ranking explanation={explanation} />
      </Section>
      <Section id="fields" title="What each field brings to an item">
        {explained.map((item, i) =>
          i === 0 ? (
            <Fields key={i} explanation={explanation} item={item} i={i} />
          ) : (
            <Folded key={i} title={`${item.position}. ${item.item}`}>
              <Fields explanation={explanation} item={item} i={i} />
            </Folded>
          ),
        )}
        <Note>
          An unknown value is one that training has not seen often enough to learn: out of vocabulary, an empty list,
          the mean rate. Shares add up to the value of the item less that with all fields unknown. "Alone" is what is
          lost if this field alone is unknown, as `explain` of an answer says it; it does not add up where fields
          interact. Neither says what would happen to users if the value were another.
        </Note>
      </Section>
      <Flows explanation={explanation} verdict={verdict} />
      <Section id="calibration" title="From logits to probabilities">
        <CalibrationTable explanation={explanation} />
      </Section>
    </>
  );
}

function Lead({
  explanation: { items },
  lead,
}: {
  explanation: ExplanationDocument;
  lead: NonNullable<ExplanationDocument['lead']>;
}) {
  const at: Path = ['explanation', 'lead', 'fields'];
  return (
    <Section id="lead" title="Why is the first item before the second?">
      <Forest
        label="Shares of the fields in the lead of the first item"
        unit="share of the difference of the scores"
        zero
        rows={lead.fields.map(({ field }, i) => ({ name: field, ...shareAt([...at, i, 'share']) }))}
      />
      <p>
        <Name of={items[0].item} /> has a score of <Num at={['explanation', 'items', 0, 'score']} as="metric" />,{' '}
        <Name of={items[1].item} /> one of <Num at={['explanation', 'items', 1, 'score']} as="metric" />: a difference
        of <Num at={['explanation', 'lead', 'difference']} as="signed" />.
      </p>
      <Table
        caption="Shares of the lead; they add up to it"
        rows={lead.fields}
        at={at}
        columns={[texts('field', 'field'), shareColumn('share', ['share'])]}
      />
    </Section>
  );
}

/** Of a share, for pictures. */
const shareAt = (at: Path) => ({ value: [...at, 'value'], low: [...at, 'low'], high: [...at, 'high'] });

/** A share, and its interval where orders were drawn. */
const shareColumn = <Row,>(title: string, keys: Path, unit?: string): Column<Row> => ({
  title,
  unit,
  isNumber: true,
  show: (_, at) => <Share at={[...at, ...keys]} />,
});

function Share({ at }: { at: Path }) {
  const { shares } = (useContext(PageContext) as ExplanationPage).explanation;
  return (
    <>
      <Num at={[...at, 'value']} as="signed" />
      {shares.method === 'sampled' && (
        <small>
          <Interval at={at} as="signed" />
        </small>
      )}
    </>
  );
}

function Ranking({ explanation }: { explanation: ExplanationDocument }) {
  const { items, tasks, score, recorded } = explanation;
  const at: Path = ['explanation', 'items'];
  const columns: Column<ExplainedCandidate>[] = [
    numbers('position', 'position', 'count'),
    texts('item', 'item'),
    numbers('score', 'score', 'metric'),
    ...tasks.map(
      (task, t): Column<ExplainedCandidate> => ({
        title: task,
        unit: 'probability; before calibration',
        isNumber: true,
        show: (_, own) => (
          <>
            <Num at={[...own, 'tasks', t, 'probability']} as="metric" />
            <small>
              <Num at={[...own, 'tasks', t, 'uncalibrated']} as="metric" />
            </small>
          </>
        ),
      }),
    ),
    ...tasks.map((task, t) =>
      deep<ExplainedCandidate>(`part of ${task}`, ['tasks', t, 'part'], 'metric', 'of the score'),
    ),
    numbers('rest', 'rest', 'metric'),
    numbers('given', 'given', 'count', 'place in the request'),
    ...(recorded === undefined
      ? []
      : [recordedColumn('shown', 'position', 'count'), recordedColumn('score then', 'score', 'metric')]),
  ];
  return (
    <>
      <Forest
        label="Scores of the first items"
        unit="score"
        rows={items.slice(0, DRAWN).map(({ item }, i) => ({ name: item, value: [...at, i, 'score'] }))}
      />
      <Note>
        Score: <code>{score}</code>. The part of a task is what the score loses if its probability is 0; the rest is
        what parts leave: 0 for weighted sums.
      </Note>
      <Table
        caption={`The first ${Math.min(items.length, DRAWN)} candidates by falling score`}
        rows={items.slice(0, DRAWN)}
        at={at}
        columns={columns}
      />
      {items.length > DRAWN && (
        <Folded title={`All ${items.length} candidates`}>
          <Table caption="Candidates by falling score" rows={items} at={at} columns={columns} />
        </Folded>
      )}
    </>
  );
}

const recordedColumn = (
  title: string,
  key: 'position' | 'score',
  as: 'count' | 'metric',
): Column<ExplainedCandidate> => ({
  title,
  unit: 'in the log',
  isNumber: true,
  show: (_, at) => <Num at={[...at, 'recorded', key]} as={as} why="not shown" />,
});

function Fields({ explanation, item, i }: { explanation: ExplanationDocument; item: ExplainedItem; i: number }) {
  const { tasks } = explanation;
  const at: Path = ['explanation', 'explained', i, 'fields'];
  const drawn = item.fields.flatMap(({ field, value, score }, f) =>
    score === null ? [] : [{ name: value === null ? field : `${field} = ${value}`, ...shareAt([...at, f, 'score']) }],
  );
  return (
    <>
      <h3>
        {item.position}. <Name of={item.item} />
      </h3>
      {drawn.length > 0 && (
        <Forest
          label={`Shares of the fields in the score of ${item.item}`}
          unit="share of the score"
          zero
          rows={drawn}
        />
      )}
      <Table
        caption={`Fields of ${item.item}, those that move the score most first`}
        rows={item.fields}
        at={at}
        columns={[
          texts<ExplainedField>('field', 'field'),
          {
            title: 'value',
            show: ({ value, unknown }) => (
              <>
                {value === null ? '–' : <Name of={value} />}
                {unknown && <small>unknown to the model</small>}
              </>
            ),
          },
          {
            title: 'score',
            unit: 'share',
            isNumber: true,
            show: ({ score }, own) => (score === null ? '–' : <Share at={[...own, 'score']} />),
          },
          ...tasks.flatMap((task, t) => [
            shareColumn<ExplainedField>(task, ['shares', t], 'share of the logit'),
            deep<ExplainedField>(`${task} `, ['alone', t], 'signed', 'alone, logit'),
          ]),
        ]}
      />
    </>
  );
}

function Flows({
  explanation: { explained, tasks, scenario },
  verdict,
}: {
  explanation: ExplanationDocument;
  verdict: ExplanationDocument['verdict'];
}) {
  const hasGates = explained.some(({ flows }) => flows !== undefined);
  if (!hasGates && verdict === undefined) return null;
  return (
    <Section id="flows" title="Flows in force">
      {hasGates && (
        <Table
          caption="Flows that gates let through to each task"
          rows={explained}
          at={['explanation', 'explained']}
          columns={[
            named<ExplainedItem>('item', ({ item }) => item),
            ...tasks.map(
              (task): Column<ExplainedItem> => ({
                title: task,
                show: ({ flows }) => {
                  const kept = flows?.[task] ?? [];
                  return kept.length === 0 ? 'none' : kept.map((flow) => <span class="line">{flow}</span>);
                },
              }),
            ),
          ]}
        />
      )}
      {verdict && (
        <Table
          caption={`The verdict that the model is built from, in ${scenario}`}
          rows={verdict}
          at={['explanation', 'verdict']}
          columns={[
            texts('task', 'task'),
            { title: 'flow', show: ({ flow }) => flow },
            numbers('strength', 'strength', 'strength'),
            { title: 'verdict', show: ({ verdict: found }) => found },
          ]}
        />
      )}
    </Section>
  );
}

function CalibrationTable({ explanation: { tasks, calibration, explained } }: { explanation: ExplanationDocument }) {
  const rows = calibration.map((fitted, t) => ({ fitted, t }));
  type Row = (typeof rows)[number];
  const ofFirst = (t: number, key: string): Path => ['explanation', 'items', 0, 'tasks', t, key];
  const ofUnknown = (t: number): Path => ['explanation', 'unknown', 'logits', t];
  return (
    <Table
      caption={`The first item, ${explained[0].item}, step by step`}
      rows={rows}
      at={['explanation', 'calibration']}
      columns={[
        { title: 'task', show: ({ t }) => <Name of={tasks[t]} /> },
        { title: 'all unknown', unit: 'logit', isNumber: true, show: ({ t }) => <Num at={ofUnknown(t)} as="signed" /> },
        { title: 'logit', isNumber: true, show: ({ t }: Row) => <Num at={ofFirst(t, 'logit')} as="signed" /> },
        { title: 'before', isNumber: true, show: ({ t }: Row) => <Num at={ofFirst(t, 'uncalibrated')} as="metric" /> },
        { title: 'calibration', show: ({ fitted }, at) => <Applied fitted={fitted} at={at} /> },
        { title: 'after', isNumber: true, show: ({ t }: Row) => <Num at={ofFirst(t, 'probability')} as="metric" /> },
      ]}
    />
  );
}

function Applied({ fitted, at }: { fitted: Calibration; at: Path }) {
  if (fitted.kind === 'none') return <>none{fitted.reason && <small class="wrap">{fitted.reason}</small>}</>;
  if (fitted.kind === 'isotonic') return <>isotonic, {fitted.x.length} knots</>;
  return (
    <>
      Platt
      <small>
        sigmoid(
        <Num at={[...at, 'scale']} as="number" /> × logit + <Num at={[...at, 'shift']} as="number" />)
      </small>
    </>
  );
}
