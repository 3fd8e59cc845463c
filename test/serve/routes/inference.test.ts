import { expect, test } from 'vitest';
import { createRowEncoder } from '../../../src/data/encode/encoder.ts';
import { openArtifact } from '../../../src/store/artifact/open.ts';
import { artifact, type Client, serving } from '../support.ts';

const ROWS = [
  { user: 'u1', age: 20, city: 'Lyon', item: 3, tags: ['t1', 't2'], hour: 4 },
  { user: 'u2', age: 70, city: 'Oslo', item: 50, tags: ['t9', 't0'], hour: 20 },
  { user: 'nobody', age: 31, city: 'Rome', item: 1, tags: ['t1', 'zzz'], hour: 23 },
];

const infer = (client: Client, body: unknown) => client.ask('/v2/models/test-model/infer', body);

/** Three rows as tensors of the graph. */
async function graphTensors(folder: string) {
  const encoder = createRowEncoder((await openArtifact(folder)).encoder);
  const ids = new Int32Array(3 * encoder.slots);
  ROWS.forEach((row, i) => void encoder.encode(row, ids, i * encoder.slots));
  return [
    { name: 'ids', shape: [3, encoder.slots], datatype: 'INT32', data: [...ids] },
    { name: 'scenario', shape: [3], datatype: 'INT32', data: [0, 1, 2] },
  ];
}

/** The same three rows as tensors of fields. */
const fieldTensors = () => [
  { name: 'scenario', shape: [3], datatype: 'BYTES', data: ['home', 'search', 'detail "x"'] },
  { name: 'user', shape: [3], datatype: 'BYTES', data: ROWS.map((row) => row.user) },
  { name: 'age', shape: [3], datatype: 'FP32', data: ROWS.map((row) => row.age) },
  { name: 'city', shape: [3], datatype: 'BYTES', data: ROWS.map((row) => row.city) },
  { name: 'item', shape: [3, 1], datatype: 'INT64', data: ROWS.map((row) => row.item) },
  { name: 'tags', shape: [3, 2], datatype: 'BYTES', data: ROWS.map((row) => row.tags) },
  { name: 'hour', shape: [3], datatype: 'INT32', data: ROWS.map((row) => row.hour) },
];

test('server and model describe themselves as the protocol wants', async () => {
  const { folder, manifest } = artifact();
  const client = await serving([folder]);
  expect((await client.ask('/v2')).body).toEqual({ name: 'tributary', version: expect.any(String), extensions: [] });
  expect((await client.ask('/v2/health/live')).body).toEqual({ live: true });
  expect((await client.ask('/v2/health/ready')).body).toEqual({ ready: true });
  expect((await client.ask('/v2/models/test-model/ready')).body).toEqual({ name: 'test-model', ready: true });
  expect((await client.ask(`/v2/models/test-model/versions/${manifest.id}`)).body).toEqual({
    name: 'test-model',
    versions: [manifest.id],
    platform: 'onnx_onnxv1',
    inputs: [
      { name: 'ids', datatype: 'INT32', shape: [-1, 8] },
      { name: 'scenario', datatype: 'INT32', shape: [-1] },
    ],
    outputs: [
      { name: 'logits', datatype: 'FP32', shape: [-1, 2] },
      { name: 'probability_click', datatype: 'FP32', shape: [-1] },
      { name: 'probability_purchase', datatype: 'FP32', shape: [-1] },
    ],
  });
  const { status, body } = await client.ask('/v2/models/none');
  expect([status, typeof body.error]).toEqual([404, 'string']);
});

test('infer: tensors of the graph, nested or flat, and of fields give what /v1/score gives', async () => {
  const { folder, manifest } = artifact();
  const client = await serving([folder]);
  const inputs = await graphTensors(folder);
  const { body, status } = await infer(client, { id: 'mine', inputs });
  expect(status).toBe(200);
  expect(body).toMatchObject({ model_name: 'test-model', model_version: manifest.id, id: 'mine' });
  expect(body.outputs.map(({ name, shape }: { name: string; shape: number[] }) => [name, shape])).toEqual([
    ['logits', [3, 2]],
    ['probability_click', [3]],
    ['probability_purchase', [3]],
  ]);
  const nested = [
    { ...inputs[0], data: [0, 1, 2].map((row) => inputs[0].data.slice(row * 8, row * 8 + 8)) },
    inputs[1],
  ];
  expect((await infer(client, { inputs: nested })).body.outputs).toEqual(body.outputs);
  expect((await infer(client, { inputs: fieldTensors() })).body.outputs).toEqual(body.outputs);
  const one = await infer(client, { inputs, outputs: [{ name: 'probability_purchase' }] });
  expect(one.body.outputs).toEqual([body.outputs[2]]);
  for (const [i, scenario] of ['home', 'search', 'detail "x"'].entries()) {
    const { id, ...row } = { id: i, ...ROWS[i] };
    const { body: scored } = await client.ask('/v1/score', { scenario, items: [{ id, ...row }] });
    expect(scored.items[0].probabilities.click).toBeCloseTo(body.outputs[1].data[i], 6);
  }
});

test('a graph of sequences takes them as a tensor', async () => {
  const { folder } = artifact({ sequences: true });
  const client = await serving([folder]);
  const inputs = await graphTensors(folder);
  const { inputs: wanted } = (await client.ask('/v2/models/test-model')).body;
  const mine = inputs.filter(({ name }) => wanted.some((port: { name: string }) => port.name === name));
  const sequences = { name: 'sequences', shape: [3, 2, 4], datatype: 'INT32', data: new Array(24).fill(60) };
  expect(wanted.map(({ name }: { name: string }) => name)).toContain('sequences');
  expect((await infer(client, { inputs: [...mine, sequences] })).status).toBe(200);
  expect((await infer(client, { inputs: mine })).body.error).toContain('"sequences": it is missing');
});

test('tensors that do not fit are refused before the graph sees them', async () => {
  const { folder } = artifact();
  const client = await serving([folder]);
  const [ids, scenario] = await graphTensors(folder);
  const [, user, , , , tags] = fieldTensors();
  const names = fieldTensors()[0];
  const cases: [string, unknown][] = [
    ['REQUEST_INVALID', {}],
    ['REQUEST_INVALID', { inputs: [] }],
    ['REQUEST_INVALID', { inputs: [{ ...ids, shape: [-1] }] }],
    ['REQUEST_INVALID', { inputs: [{ ...ids, data: 'x' }] }],
    ['TENSOR_INVALID', { inputs: [ids] }],
    ['TENSOR_INVALID', { inputs: [ids, scenario, scenario] }],
    ['TENSOR_INVALID', { inputs: [ids, scenario, user] }],
    ['TENSOR_INVALID', { inputs: [{ ...ids, datatype: 'FP32' }, scenario] }],
    ['TENSOR_INVALID', { inputs: [{ ...ids, shape: [2, 12] }, scenario] }],
    ['TENSOR_INVALID', { inputs: [{ ...ids, data: ids.data.slice(1) }, scenario] }],
    ['TENSOR_INVALID', { inputs: [{ ...ids, data: [-1, ...ids.data.slice(1)] }, scenario] }],
    ['TENSOR_INVALID', { inputs: [{ ...ids, data: [1e6, ...ids.data.slice(1)] }, scenario] }],
    ['TENSOR_INVALID', { inputs: [{ ...ids, data: [0.5, ...ids.data.slice(1)] }, scenario] }],
    ['TENSOR_INVALID', { inputs: [{ ...ids, data: [null, ...ids.data.slice(1)] }, scenario] }],
    ['TENSOR_INVALID', { inputs: [ids, { ...scenario, data: [0, 1, 3] }] }],
    ['TENSOR_INVALID', { inputs: [ids, { ...scenario, shape: [4], data: [0, 1, 2, 0] }] }],
    [
      'TENSOR_INVALID',
      {
        inputs: [
          { ...ids, shape: [0, 8], data: [] },
          { ...scenario, shape: [0], data: [] },
        ],
      },
    ],
    ['TENSOR_INVALID', { inputs: [ids, scenario], outputs: [{ name: 'secrets' }] }],
    ['TENSOR_INVALID', { inputs: [user] }],
    ['TENSOR_INVALID', { inputs: [names, { ...user, datatype: 'FP8' }] }],
    ['TENSOR_INVALID', { inputs: [names, { ...user, shape: [3, 2] }] }],
    ['SCENARIO_UNKNOWN', { inputs: [{ ...names, data: ['home', 'x', 'home'] }, user] }],
    ['TENSOR_INVALID', { inputs: [names, { ...tags, shape: [3, 1], data: [{ a: 1 }, 't1', 't2'] }] }],
    ['TENSOR_INVALID', { inputs: [ids, scenario], outputs: [{ name: 'logits' }, { name: 'logits' }] }],
    ['REQUEST_INVALID', { inputs: [ids, scenario], outputs: [{ name: 3 }] }],
    ['REQUEST_INVALID', { inputs: new Array(1025).fill({}) }],
    ['REQUEST_INVALID', { inputs: [{ ...ids, shape: new Array(9).fill(1) }] }],
    [
      'TOO_MANY_ITEMS',
      { inputs: [{ name: 'scenario', shape: [10_001], datatype: 'BYTES', data: new Array(10_001).fill('home') }] },
    ],
  ];
  for (const [code, body] of cases) {
    const { status, body: answer } = await infer(client, body);
    expect([JSON.stringify(body).slice(0, 200), answer.code]).toEqual([JSON.stringify(body).slice(0, 200), code]);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(typeof answer.error).toBe('string');
  }
});
