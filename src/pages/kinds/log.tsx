/** What a log says: a replay, the position bias, simulated users. */
import { dot, line, type PlotOptions } from '@observablehq/plot';
import { useCallback } from 'preact/hooks';
import type { PositionBiasDocument } from '../../documents/loop/position-bias.ts';
import type { SimulatedDay } from '../../documents/loop/simulation.ts';
import { Chart, draws } from '../components/chart.tsx';
import { Forest } from '../components/forest.tsx';
import { Name } from '../components/name.tsx';
import { colour, Legend, symbol } from '../components/palette.tsx';
import { Folded, Note, Section, Sentences } from '../components/section.tsx';
import { deep, named, numbers, Table, texts } from '../components/table.tsx';
import { Interval, Num } from '../components/value.tsx';
import type { PositionBiasPage, ReplayPage, SimulationPage } from '../page.ts';

export function Replay({ page }: { page: ReplayPage }) {
  const { estimates, diagnostics, requests, refusals, fields, served } = page.replay;
  const counts = Object.entries(requests);
  return (
    <>
      {refusals.length > 0 && (
        <Section id="refusals" title="Why nothing is estimated">
          <Sentences of={refusals.map(({ code, reason }) => `${code}: ${reason}`)} />
        </Section>
      )}
      {estimates.length > 0 && (
        <Section id="estimates" title="What it would bring">
          <Forest
            label="Difference of the mean reward of a request to what served"
            unit="reward of a request, less what served"
            zero
            rows={estimates.map(({ name }, i) => {
              const at = ['replay', 'estimates', i, 'difference'];
              return { name, value: [...at, 'estimate'], low: [...at, 'low'], high: [...at, 'high'] };
            })}
          />
          <Note>
            95 % intervals; units are independent. The estimate with the weakest assumption comes first and decides.
          </Note>
          {served && (
            <p>
              What served brings: <Num at={['replay', 'served', 'estimate']} as="metric" />, 95 % interval{' '}
              <Interval at={['replay', 'served']} as="metric" />.
            </p>
          )}
          <Table
            caption="Mean reward of a request"
            rows={estimates}
            at={['replay', 'estimates']}
            columns={[
              texts('estimator', 'name'),
              numbers('estimate', 'estimate', 'metric'),
              { title: 'interval', unit: '95 %', isNumber: true, show: (_, at) => <Interval at={at} as="metric" /> },
              deep('difference', ['difference', 'estimate'], 'signed'),
              {
                title: 'interval',
                unit: 'of the difference, 95 %',
                isNumber: true,
                show: (_, at) => <Interval at={[...at, 'difference']} as="signed" />,
              },
              { title: 'right if', show: ({ assumption }) => assumption },
            ]}
          />
        </Section>
      )}
      <Section id="log" title="Can the log say so?">
        <Table
          caption="Weights of the replayed requests"
          rows={diagnostics}
          at={['replay', 'diagnostics']}
          columns={[
            texts('weights of', 'weights'),
            numbers('rows', 'rows', 'count'),
            numbers('units', 'units', 'count'),
            numbers('effective rows', 'effectiveRows', 'number'),
            numbers('mean weight', 'meanWeight', 'number', '1 where all is well'),
            numbers('largest', 'largestWeight', 'number'),
            numbers('rarest', 'smallestPropensity', 'number', 'smallest chance shown'),
            numbers('support', 'support', 'percent'),
          ]}
        />
        <Folded title="Requests of the log">
          <Table
            caption="Requests"
            rows={counts}
            at={['replay', 'requests']}
            columns={[
              named<(typeof counts)[number]>('requests', ([name]) => WORDS[name as keyof typeof WORDS] ?? name),
              {
                title: 'number',
                isNumber: true,
                show: ([name]) => <Num at={['replay', 'requests', name]} as="count" />,
              },
            ]}
          />
          <Table
            caption="Fields that the artifact reads: share of items with a value"
            rows={fields}
            at={['replay', 'fields']}
            columns={[texts('field', 'field'), numbers('given', 'given', 'percent')]}
          />
        </Folded>
      </Section>
    </>
  );
}

const WORDS = {
  impressions: 'all',
  explored: 'in a random order: replayed',
  deterministic: 'by falling score',
  interleaved: 'interleaved',
  open: 'younger than the window',
  incomplete: 'without all candidates',
  otherScenarios: 'of other scenarios',
  withoutUnit: 'without a unit',
};

type BiasScenario = PositionBiasDocument['scenarios'][number];

export const PositionBias = ({ page }: { page: PositionBiasPage }) => (
  <>
    {page.bias.scenarios.map((scenario, s) => (
      <Section key={scenario.scenario} id={`scenario-${s}`} title={`Positions in ${scenario.scenario}`}>
        <Forest
          label={`How often positions are looked at in ${scenario.scenario}`}
          unit="looked at, over the first position"
          rows={scenario.positions.flatMap(({ position, relative, low }, p) => {
            const at = ['bias', 'scenarios', s, 'positions', p];
            const ends = low === null ? {} : { low: [...at, 'low'], high: [...at, 'high'] };
            return relative === null ? [] : [{ name: `position ${position}`, value: [...at, 'relative'], ...ends }];
          })}
        />
        <Note>
          {METHODS[scenario.method]}; right if {scenario.assumption}. 95 % intervals where the method has them.{' '}
          <Num at={['bias', 'scenarios', s, 'requests']} as="count" /> requests.
        </Note>
        <Table
          caption="Positions"
          rows={scenario.positions}
          at={['bias', 'scenarios', s, 'positions']}
          columns={[
            numbers('position', 'position', 'count'),
            numbers('shown', 'impressions', 'count'),
            numbers(page.bias.type, 'clicks', 'count'),
            numbers('looked at', 'relative', 'number'),
            numbers('low', 'low', 'number', '95 %'),
            numbers('high', 'high', 'number', '95 %'),
          ]}
        />
      </Section>
    ))}
  </>
);

const METHODS: Record<BiasScenario['method'], string> = {
  'random-orders': 'From random orders, by their chances',
  rankers: 'From items that several rankers put at two positions',
  em: 'From a click model',
};

const SERIES = ['best', 'shown', 'random'] as const;

export function Simulation({ page }: { page: SimulationPage }) {
  const { days } = page.simulation;
  const draw = useCallback((): PlotOptions => {
    const points = (key: (typeof SERIES)[number]) =>
      days.map((day, i) => ({ day: day.day, value: day.all[key], i, key }));
    return {
      height: 280,
      marginLeft: 56,
      x: { label: 'day', tickFormat: 'd', ticks: Math.min(10, days.length) },
      y: { label: 'expected reward of a request', grid: true, nice: true },
      marks: SERIES.flatMap((key, n) => [
        line(points(key), { x: 'day', y: 'value', stroke: colour(n) }),
        dot(points(key), {
          x: 'day',
          y: 'value',
          symbol: symbol(n),
          fill: colour(n),
          r: 3.5,
          ...draws(points(key), ({ i }) => ({ ty: ['simulation', 'days', i, 'all', key] })),
        }),
      ]),
    };
  }, [days]);
  return (
    <Section id="days" title="What users got, day by day">
      <Chart label="Expected reward of a request by day" draw={draw} />
      <Legend names={['the best order of the best candidates', 'what the service showed', 'a random order']} />
      <Note>The reward that the world expects of what was shown, known without drawing a label.</Note>
      <Table
        caption="Days"
        rows={days}
        at={['simulation', 'days']}
        columns={[
          texts<SimulatedDay>('date', 'date'),
          deep('requests', ['all', 'requests'], 'count'),
          deep('shown', ['all', 'shown'], 'metric'),
          deep('best', ['all', 'best'], 'metric'),
          deep('random', ['all', 'random'], 'metric'),
          deep('of the possible', ['all', 'possible'], 'percent'),
          numbers('events', 'interactions', 'count'),
          { title: 'answered by', show: ({ models }) => <Name of={Object.keys(models).join(', ')} /> },
        ]}
      />
    </Section>
  );
}
