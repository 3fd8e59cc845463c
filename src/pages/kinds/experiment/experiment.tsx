/** An online experiment: may it ship, are the figures sound, and where does it help or hurt. */
import { Fragment } from 'preact';
import type {
  ComparedMetric,
  ExperimentCheck,
  ExperimentReport,
  ExperimentTreatment,
} from '../../../documents/experiment/report.ts';
import { Forest } from '../../components/forest.tsx';
import { Name } from '../../components/name.tsx';
import { Folded, Note, Section } from '../../components/section.tsx';
import { type Column, deep, numbers, Table, texts } from '../../components/table.tsx';
import { Estimate, Interval, Num, type Path } from '../../components/value.tsx';
import type { ExperimentPage } from '../../page.ts';
import { History } from './history.tsx';

type Arm = ExperimentReport['arms'][number];

export function Experiment({ page }: { page: ExperimentPage }) {
  const { treatments, checks, arms, interleaving, shadow, history } = page.experiment;
  return (
    <>
      {treatments.map((treatment, t) => (
        <Fragment key={treatment.arm}>
          <Treatment treatment={treatment} t={t} looks={page.looks} />
          {history && <History history={history} arm={treatment.arm} t={t} looks={page.looks} />}
        </Fragment>
      ))}
      {interleaving.length > 0 && <Interleaving page={page} />}
      {shadow.length > 0 && (
        <Section id="shadow" title="What another model would have shown">
          <Table
            caption="Answers with scores of the shadow"
            rows={shadow}
            at={['experiment', 'shadow']}
            columns={[
              texts('model', 'model'),
              { title: 'scenario', show: ({ scenario }) => (scenario === null ? 'all' : <Name of={scenario} />) },
              numbers('answers', 'answers', 'count'),
              numbers('same first item', 'sameFirst', 'percent'),
              numbers('overlap', 'overlap', 'percent'),
              numbers('mean difference', 'meanDifference', 'signed'),
            ]}
          />
        </Section>
      )}
      <Section id="checks" title="Are the figures sound?">
        <Table
          caption="Checks of the assignment and the log"
          rows={checks}
          at={['experiment', 'checks']}
          columns={CHECKS}
        />
        <Table caption="Arms" rows={arms} at={['experiment', 'arms']} columns={ARMS} />
      </Section>
    </>
  );
}

const STATES: Record<ExperimentCheck['state'], string> = { sound: '● sound', look: '◐ look', broken: '✕ broken' };

const CHECKS: Column<ExperimentCheck>[] = [
  texts('check', 'check'),
  {
    title: 'state',
    show: ({ state }) => (
      <span class={state === 'sound' ? 'good' : state === 'broken' ? 'bad' : 'open'}>{STATES[state]}</span>
    ),
  },
  numbers('p', 'p', 'p'),
  { title: '', show: ({ sentence }) => sentence },
];

const ARMS: Column<Arm>[] = [
  texts('arm', 'arm'),
  numbers('weight', 'weight', 'number'),
  numbers('units', 'units', 'count'),
  numbers('answers', 'answers', 'count'),
  numbers('items', 'items', 'count'),
  numbers('failed', 'failed', 'count'),
  ...(['mean', 'p99'] as const).map(
    (key): Column<Arm> => ({
      title: `${key} latency`,
      isNumber: true,
      show: ({ latency }, at) => (latency === null ? '–' : <Num at={[...at, 'latency', key]} as="milliseconds" />),
    }),
  ),
];

/** Ends of an interval may be missing: nothing can be said yet. */
const hasEnds = ({ low, high }: { low: number | null; high: number | null }): boolean => low !== null && high !== null;

function Treatment({ treatment, t, looks }: { treatment: ExperimentTreatment; t: number; looks: string }) {
  const at: Path = ['experiment', 'treatments', t];
  const { arm, decision, metrics, cells, heterogeneity } = treatment;
  const known = metrics.flatMap(({ metric, relative, difference }, i) => {
    if (relative === null) return [];
    const own = [...at, 'metrics', i, 'relative'];
    const ends = hasEnds(relative) && hasEnds(difference) ? { low: [...own, 'low'], high: [...own, 'high'] } : {};
    return [{ name: metric, value: [...own, 'estimate'], ...ends }];
  });
  return (
    <>
      <Section id={`treatment-${t}`} title={`May ${arm} ship? ${DECISIONS[decision]}`}>
        <Forest
          label={`Metrics of ${arm} against the control`}
          unit="difference, as a share of the control"
          zero
          rows={known}
        />
        <Note>
          Treatment less control after the adjustment. Intervals {looks}. Guardrails have one-sided levels. A mark is
          filled where its interval leaves out 0.
        </Note>
        <Table caption="Metrics" rows={metrics} at={[...at, 'metrics']} columns={METRICS} />
      </Section>
      {cells.length > 0 && (
        <Section id={`cells-${t}`} title={`Where does ${arm} help or hurt?`}>
          <Forest
            label={`Cells of ${arm}`}
            unit="difference to the control"
            zero
            rows={cells.map(({ scenario, metric, difference }, i) => {
              const own = [...at, 'cells', i, 'difference'];
              const ends = hasEnds(difference) ? { low: [...own, 'low'], high: [...own, 'high'] } : {};
              return { name: [scenario, metric], value: [...own, 'estimate'], ...ends };
            })}
          />
          <Note>Exploratory: cells decide nothing. An e-value of 20 and more is rare by chance.</Note>
          <Table caption="Cells" rows={cells} at={[...at, 'cells']} columns={CELLS} />
          <Folded title="How much effects differ between scenarios">
            <Table
              caption="Heterogeneity over scenarios"
              rows={heterogeneity}
              at={[...at, 'heterogeneity']}
              columns={[
                texts('metric', 'metric'),
                numbers('Q', 'Q', 'number'),
                numbers('p', 'p', 'p'),
                numbers('I2', 'I2', 'percent'),
                numbers('tau', 'tau', 'number', 'sd of true effects'),
              ]}
            />
          </Folded>
        </Section>
      )}
    </>
  );
}

const DECISIONS: Record<ExperimentTreatment['decision'], string> = {
  broken: '✕ The figures are broken',
  'roll back': '▼ Roll back',
  ship: '▲ Ship',
  'no difference': '● No difference',
  'go on': '◇ Go on',
};

const METRICS: Column<ComparedMetric>[] = [
  texts('metric', 'metric'),
  { title: 'role', show: ({ role, lowerIsBetter }) => `${role}${lowerIsBetter ? ', lower is better' : ''}` },
  numbers('control', 'control', 'number'),
  numbers('treatment', 'treatment', 'number'),
  deep('difference', ['difference', 'estimate'], 'number'),
  {
    title: 'interval',
    unit: 'of the difference',
    isNumber: true,
    show: (_, at) => <Interval at={[...at, 'difference']} as="number" />,
  },
  numbers('p', 'p', 'p'),
  { title: 'margin', show: ({ margin }) => (margin === null ? '–' : <Name of={String(margin)} />) },
  { title: 'finding', show: ({ finding }) => finding },
];

const CELLS: Column<ExperimentTreatment['cells'][number]>[] = [
  texts('scenario', 'scenario'),
  texts('metric', 'metric'),
  deep('units', ['units', 'control'], 'count', 'control'),
  deep('units ', ['units', 'treatment'], 'count', 'treatment'),
  numbers('control', 'control', 'number'),
  numbers('treatment', 'treatment', 'number'),
  {
    title: 'difference',
    isNumber: true,
    show: ({ difference }, at) => (
      <Estimate at={[...at, 'difference']} as="number" value="estimate" hasSign={hasEnds(difference)} />
    ),
  },
  numbers('e‑value', 'eValue', 'number'),
  numbers('shrunk', 'shrunk', 'number', 'to the mean of cells'),
  { title: 'found', show: ({ found }) => (found ? '● yes' : 'no') },
];

function Interleaving({ page }: { page: ExperimentPage }) {
  const { interleaving } = page.experiment;
  return (
    <Section id="interleaving" title="Which model do users prefer in one list?">
      <Table
        caption="Preferences of users"
        rows={interleaving}
        at={['experiment', 'interleaving']}
        columns={[
          texts('arm', 'arm'),
          numbers('answers', 'answers', 'count'),
          numbers('units', 'units', 'count'),
          deep('control wins', ['wins', 'control'], 'count'),
          deep('treatment wins', ['wins', 'treatment'], 'count'),
          deep('ties', ['wins', 'ties'], 'count'),
          deep('preference', ['sign', 'delta'], 'signed'),
          deep('p', ['sign', 'p'], 'p'),
        ]}
      />
    </Section>
  );
}
