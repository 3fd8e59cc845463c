import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stabilityIndex } from '../../../src/evaluate/stability.ts';
import { exposition, type Family, Histogram, mergeFamilies } from '../../../src/serve/metrics/metrics.ts';
import { artifact, serving } from '../support.ts';

test('the numbers of requests: by route, of values without an id, of scores, of drift', async () => {
  const { folder, manifest } = artifact();
  const client = await serving([folder]);
  const model = `model="test-model@${manifest.id}"`;
  // Of the user's 3 fields one is unknown; of the item's 3 (tags: two values) one tag; the hour is missing.
  await client.ask('/v1/rank', {
    scenario: 'home',
    user: { user: 'u1', age: 20, city: 'x' },
    items: [
      { id: 1, item: 1, tags: ['t1', 'zzz'] },
      { id: 2, item: 'none', tags: [] },
    ],
  });
  await client.ask('/v1/rank', { scenario: 'attic', items: [{ id: 1 }] });
  const { text, headers } = await client.ask('/metrics');
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const value = (start: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${start} `))
        ?.split(' ')
        .at(-1),
    );
  expect(value('tributary_requests_total{method="POST",route="/v1/rank",status="200"}')).toBe(1);
  expect(value('tributary_requests_total{method="POST",route="/v1/rank",status="400"}')).toBe(1);
  expect(value('tributary_request_seconds_count{method="POST",route="/v1/rank"}')).toBe(2);
  // user, age, city and hour once; item of both; tags t1 and zzz
  expect(value(`tributary_values_total{${model},scenario="home"}`)).toBe(8);
  // hour, item "none", tag zzz
  expect(value(`tributary_out_of_vocabulary_total{${model},scenario="home"}`)).toBe(3);
  expect(value(`tributary_score_count{${model},scenario="home"}`)).toBe(2);
  expect(value(`tributary_score_count{${model},scenario="detail \\"x\\""}`)).toBe(0);
  expect(value(`tributary_field_psi{${model},field="hour"}`)).toBeGreaterThan(1);
  expect(value('tributary_request_items_sum')).toBe(2);
  expect(value('tributary_batch_rows_count')).toBeGreaterThan(0);
  expect(value('tributary_waiting_rows')).toBe(0);
});

test('warming does not count', async () => {
  const { folder, manifest } = artifact();
  const client = await serving([folder]);
  expect((await client.ask('/metrics')).text).toContain(
    `tributary_values_total{model="test-model@${manifest.id}",scenario="home"} 0`,
  );
});

test('the stability index by hand', () => {
  // shares 0.5 0.5 against 0.25 0.75: 0.25 ln 2 - 0.25 ln (2/3) = 0.25 ln 3
  expect(stabilityIndex([10, 10], [0.25, 0.75])).toBeCloseTo(0.25 * Math.log(3), 12);
  expect(stabilityIndex([25, 75], [0.25, 0.75])).toBeCloseTo(0, 12);
  expect(stabilityIndex([0, 0], [0.25, 0.75])).toBe(0);
  expect(stabilityIndex([1, 0], [0, 1])).toBeCloseTo(2 * (1 - 1e-4) * Math.log(1e4), 9);
});

test('a histogram counts each value in the first bucket whose edge it does not exceed', () => {
  const edges = [1, 2, 5];
  const naive = (values: number[]): number[] => [
    ...[...edges, Number.POSITIVE_INFINITY].map(
      (edge, i) => values.filter((v) => v <= edge && (i === 0 || v > edges[i - 1])).length,
    ),
    values.reduce((sum, v) => sum + v, 0),
  ];
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 7 })), (values) => {
      const histogram = new Histogram(edges);
      for (const value of values) histogram.add(value);
      expect([...histogram.values]).toEqual(naive(values));
    }),
  );
});

test('processes add up, label by label; text has escaped labels and cumulative buckets', () => {
  const family = (series: Family['series']): Family => ({
    name: 'f',
    help: 'help',
    kind: 'histogram',
    over: 'sum',
    edges: [1, 2],
    series,
  });
  const merged = mergeFamilies([
    [family([{ labels: { a: 'x"\n' }, values: [1, 2, 3, 10] }])],
    [
      family([
        { labels: { a: 'x"\n' }, values: [1, 0, 0, 1] },
        { labels: { a: 'y' }, values: [0, 0, 1, 4] },
      ]),
    ],
  ]);
  expect(exposition(merged)).toBe(
    [
      '# HELP f help',
      '# TYPE f histogram',
      'f_bucket{a="x\\"\\n",le="1"} 2',
      'f_bucket{a="x\\"\\n",le="2"} 4',
      'f_bucket{a="x\\"\\n",le="+Inf"} 7',
      'f_sum{a="x\\"\\n"} 11',
      'f_count{a="x\\"\\n"} 7',
      'f_bucket{a="y",le="1"} 0',
      'f_bucket{a="y",le="2"} 0',
      'f_bucket{a="y",le="+Inf"} 1',
      'f_sum{a="y"} 4',
      'f_count{a="y"} 1',
      '',
    ].join('\n'),
  );
  const lag = (value: number): Family => ({
    name: 'lag',
    help: '',
    kind: 'gauge',
    over: 'max',
    series: [{ labels: {}, values: [value] }],
  });
  expect(mergeFamilies([[lag(1)], [lag(3)], [lag(2)]])[0].series[0].values).toEqual([3]);
});
