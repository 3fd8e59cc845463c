/** A training run: where the model wins or loses and what its cells use come first, then how the training went. */

import { YARDSTICK_NAMES } from '../../../report/yardsticks.ts';
import { BucketTable, type PicturedCell, ReliabilityPictures } from '../../components/reliability.tsx';
import { Folded, Note, Section, Sentences } from '../../components/section.tsx';
import { deep, named, numbers, Table, texts } from '../../components/table.tsx';
import { Interval, Num } from '../../components/value.tsx';
import type { RunPage } from '../../page.ts';
import { CellGrid } from '../cells.tsx';
import { FlowVerdict } from '../flow-verdict.tsx';
import { Importance } from '../importance.tsx';
import { KeepRates } from '../keep-rates.tsx';
import { Choices } from './choices.tsx';
import { Gates } from './gates.tsx';
import { Time } from './time.tsx';
import { Training } from './training.tsx';

export function Run({ page }: { page: RunPage }) {
  const { result } = page;
  return (
    <>
      {result && (
        <Section id="cells" title="Where the model wins or loses">
          <CellGrid
            grid={result.test}
            at={['result', 'test']}
            rows="test rows"
            {...(result.yardsticks && { yardsticks: { document: result.yardsticks, at: ['result', 'yardsticks'] } })}
          />
        </Section>
      )}
      {result?.verdict && (
        <Section id="flows" title="What each cell uses">
          <FlowVerdict flows={result.verdict} at={['result', 'verdict']} sentences={page.flowSentences} />
        </Section>
      )}
      {result?.flows && (
        <Section id="gates" title="How often gates let a flow through">
          <KeepRates flows={result.flows} scenarios={result.scenarios ?? []} tasks={result.tasks ?? []} />
        </Section>
      )}
      {result?.choices && Object.keys(result.choices.chosen).length > 0 && (
        <Section id="choices" title="Which experts rows use">
          <Choices choices={result.choices} scenarios={result.scenarios ?? []} />
        </Section>
      )}
      {result?.yardsticks && <Yardsticks yardsticks={result.yardsticks} />}
      {result?.reliability && <Reliability reliability={result.reliability} />}
      {page.importance && <Importance page={{ importance: page.importance }} prefix="importance-" />}
      <Training page={page} />
      <Gates page={page} />
      <Time page={page} />
      {result?.choice && (
        <Section id="choice" title="Why this model">
          <Sentences of={page.choiceSentences} />
          <Candidates choice={result.choice} />
        </Section>
      )}
      <Section id="configuration" title="Configuration">
        <Folded title="The configuration, with all defaults">
          <pre>{page.config}</pre>
        </Folded>
      </Section>
    </>
  );
}

type Result = NonNullable<RunPage['result']>;

const Yardsticks = ({ yardsticks }: { yardsticks: NonNullable<Result['yardsticks']> }) => (
  <Section id="yardsticks" title="Is it worth more than a simple predictor?">
    {yardsticks.margin && (
      <p class="finding">
        Mean AUC against {YARDSTICK_NAMES[yardsticks.margin.against]}:{' '}
        <Num at={['result', 'yardsticks', 'margin', 'difference']} as="signed" />, 95 % interval{' '}
        <Interval at={['result', 'yardsticks', 'margin']} as="signed" /> (bootstrap of groups).
      </p>
    )}
    <Table
      caption="Means over cells of simple predictors, fitted to the same training rows, on test rows"
      rows={yardsticks.measured}
      at={['result', 'yardsticks', 'measured']}
      columns={[
        named<NonNullable<Result['yardsticks']>['measured'][number]>('predictor', ({ key }) => YARDSTICK_NAMES[key]),
        deep('AUC', ['grid', 'macro', 'auc'], 'metric'),
        deep('log loss', ['grid', 'macro', 'logloss'], 'metric'),
        deep('calibration error', ['grid', 'macro', 'calibrationError'], 'metric'),
      ]}
    />
  </Section>
);

function Reliability({ reliability }: { reliability: NonNullable<Result['reliability']> }) {
  const cells = reliability.map(
    ({ scenario, task, buckets }, i): PicturedCell => ({
      scenario,
      task,
      series: [{ buckets, at: ['result', 'reliability', i, 'buckets'] }],
    }),
  );
  return (
    <Section id="reliability" title="May the probabilities be trusted?">
      <ReliabilityPictures cells={cells} />
      <Note>
        Test rows in 20 buckets by predicted probability, before calibration: share of positives with its 95 % interval
        (Wilson). On the dashed line probabilities are right.
      </Note>
      <Folded title="Tables of the buckets">
        {cells.map(({ scenario, task, series: [only] }) => (
          <BucketTable
            key={`${scenario} ${task}`}
            caption={`${scenario}, ${task}: rows by predicted probability`}
            {...only}
          />
        ))}
      </Folded>
    </Section>
  );
}

const Candidates = ({ choice }: { choice: NonNullable<Result['choice']> }) => (
  <Table
    caption="Models that were tried, on validation rows"
    rows={choice.candidates}
    at={['result', 'choice', 'candidates']}
    columns={[
      texts('model', 'model'),
      {
        title: 'mean AUC',
        isNumber: true,
        show: ({ grid }, at) => (grid === null ? '–' : <Num at={[...at, 'grid', 'macro', 'auc']} as="metric" />),
      },
      {
        title: 'less than the best',
        unit: '95 % interval',
        isNumber: true,
        show: ({ behind }, at) => (behind === null ? '–' : <Interval at={[...at, 'behind']} as="signed" />),
      },
      numbers('multiply-adds', 'multiplyAdds', 'count', 'a row'),
      numbers('steps', 'steps', 'count'),
      numbers('time', 'seconds', 'duration'),
    ]}
  />
);
