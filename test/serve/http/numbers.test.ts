import { expect, test } from 'vitest';
import { bentNumbers } from '../../../src/serve/http/bent-numbers.ts';
import { artifact, type Client, serving } from '../support.ts';

/** The code of a refusal, or the ids of an answer as they stand in its text. */
async function told(client: Client, body: string): Promise<unknown> {
  const { status, text, body: answer } = await client.ask('/v1/score', body);
  if (status !== 200) return answer.error.code;
  return [...text.matchAll(/"id":("(?:[^"\\]|\\.)*"|[^,]+)/g)].map(([, id]) => id);
}

const items = (...ids: string[]): string =>
  `{"scenario":"home","items":[${ids.map((id) => `{"id":${id},"item":3}`).join(',')}]}`;

test('ids of items come back as they were sent, or the request is refused', async () => {
  const client = await serving([artifact().folder]);
  const kept = [
    '1',
    '-7',
    '0',
    '0.1',
    '1.5',
    '9007199254740991',
    '-9007199254740991',
    '"9007199254740993"',
    '"é\\ud83d"',
  ];
  expect(await told(client, items(...kept))).toEqual(kept);
  expect(await told(client, items('1.0', '2e2', '10000000000000000e-16'))).toEqual(['1', '200', '1']); // the same numbers
  for (const id of [
    '9007199254740992',
    '9007199254740993',
    '-9007199254740993',
    '18446744073709551615',
    '123456789012345678901234567890',
    '9007199254740993.0',
    '9007199254740993e0',
    '90071992547409930e-1',
    '4503599627370497.5', // read as ...498
    '1.00000000000000000001',
    '0.10000000000000001',
    '1e-400',
    '1e400',
    '-1e400',
    '1e300',
    '-0',
    '-0.0',
    'true',
    'null',
    '[1]',
  ])
    expect([id, await told(client, items('1', id))]).toEqual([id, 'REQUEST_INVALID']);
});

test('a number that is read as another one is named by its place and its digits', async () => {
  const client = await serving([artifact().folder]);
  const { body } = await client.ask('/v1/rank', items('7', '1.00000000000000000001'));
  expect(body.error.details.problems).toEqual([
    { path: 'items.1.id', message: '1.00000000000000000001 would be read as 1: send it as a text' },
  ]);
});

test('numbers that stand for themselves are exact wherever they are', async () => {
  const client = await serving([artifact({ sequences: true }).folder]);
  const cases = [
    '"user":{"user":9007199254740993}',
    '"user":{"tags":[1,9007199254740993]}',
    '"user":{"tags":[1e400]}',
    '"user":{"item":-9007199254740993}',
    '"user":{"age":1e400}',
    '"user":{"age":"1e400"}',
    '"user":{"age":-1e999}',
    '"context":{"hour":5.00000000000000000001}',
    '"context":{"item":1e-400}',
    '"user":{"sequences":{"viewed":[3,9007199254740993]}}',
    '"user":{"sequences":{"bought":[1e999]}}',
    '"top_k":1.00000000000000000001',
    '"top_k":9007199254740993',
    '"request_id":9007199254740993',
  ];
  for (const part of cases)
    expect([part, await told(client, `{"scenario":"home",${part},"items":[{"id":1}]}`)]).toEqual([
      part,
      'REQUEST_INVALID',
    ]);
  // Buckets take a number for what it is near; 17 digits are how other languages print 64 bits.
  for (const age of [
    '9007199254740993',
    '0.10000000000000001',
    '1700000000123456789',
    '1e300',
    '-0',
    '"41.50000000000000001"',
  ])
    expect([age, await told(client, `{"scenario":"home","user":{"age":${age}},"items":[{"id":1}]}`)]).toEqual([
      age,
      ['1'],
    ]);
  expect(await told(client, '{"scenario":"home","user":{"user":0.10000000000000001},"items":[{"id":1}]}')).toEqual([
    '1',
  ]);
});

test('tensors hold what their types say', async () => {
  const client = await serving([artifact().folder]);
  const ask = async (name: string, datatype: string, data: string): Promise<string | number> => {
    const inputs = `[{"name":"scenario","shape":[1],"datatype":"BYTES","data":["home"]},{"name":"${name}","shape":[1],"datatype":"${datatype}","data":[${data}]}]`;
    const { status, body } = await client.ask('/v2/models/test-model/infer', `{"inputs":${inputs}}`);
    return status === 200 ? body.outputs[1].data[0] : body.code;
  };
  const item = await ask('item', 'BYTES', '"5"');
  for (const datatype of ['INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'FP32', 'FP64'])
    expect([datatype, await ask('item', datatype, '5')]).toEqual([datatype, item]);
  const wrong = [
    ['INT8', '128'],
    ['INT8', '-129'],
    ['INT16', '32768'],
    ['INT32', '2147483648'],
    ['INT32', '5.5'],
    ['INT32', '"5"'],
    ['INT32', 'true'],
    ['INT64', '9007199254740993'],
    ['INT64', '-9007199254740993'],
    ['INT64', '5.5'],
    ['UINT8', '-1'],
    ['UINT8', '256'],
    ['UINT16', '65536'],
    ['UINT32', '4294967296'],
    ['UINT64', '-1'],
    ['UINT64', '18446744073709551615'],
    ['FP32', '1e39'],
    ['FP32', '"5"'],
    ['FP64', '1e400'],
    ['FP64', '9007199254740993'],
    ['BOOL', '1'],
    ['BOOL', '"true"'],
    ['BYTES', '5'],
    ['BYTES', 'true'],
    ['BYTES', '[["5"]]'],
    ['INT32', '[5]'],
  ];
  for (const [datatype, data] of wrong.slice(0, -1))
    expect([datatype, data, await ask('item', datatype, data)]).toEqual([datatype, data, 'TENSOR_INVALID']);
  expect(await ask('item', 'INT32', '5.00000000000000000001')).toBe('REQUEST_INVALID');
  // A numeric field is read as a text of the same digits is.
  expect(await ask('age', 'INT64', '9007199254740993')).toBe(await ask('age', 'BYTES', '"9007199254740993"'));
  expect(await ask('age', 'INT64', '9300000000000000000')).toBe('TENSOR_INVALID');
  expect(await ask('age', 'BYTES', '"1e400"')).toBe('TENSOR_INVALID');
  expect(await ask('item', 'INT32', 'null')).toBe(await ask('item', 'BYTES', 'null')); // not known
});

test('bent numbers are found between texts, names and lists', () => {
  const all = (json: string) =>
    bentNumbers(json, () => true, 10).map(({ path, written }) => `${path.join('.')}=${written}`);
  expect(all('9007199254740993')).toEqual(['=9007199254740993']);
  expect(all('{"a":"9007199254740993","b\\"":[1,[2,9007199254740993]],"c":{"d":1e999},"\\u0065":-1e-999}')).toEqual([
    'b".1.1=9007199254740993',
    'c.d=1e999',
    'e=-1e-999',
  ]);
  expect(all('[ "\\\\", 0.1 , -0, 1E5,1.50, 123456789012345680, 1e22, 0e999, 100000000000000000000000 ]')).toEqual([]);
});
