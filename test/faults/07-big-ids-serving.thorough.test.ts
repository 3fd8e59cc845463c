import { afterAll, beforeAll, expect, test } from 'vitest';
import { serving } from '../serve/support.ts';
import { temporaryFolder } from '../train/support.ts';
import { exportFault } from './served.ts';

const { path: folder, remove } = temporaryFolder();
let artifact: string;

beforeAll(async () => {
  artifact = await exportFault('07-big-ids-serving', folder, { maxEpochs: 4, learningRate: 0.01 });
});
afterAll(remove);

test('ids of items beyond 2^53 come back as they were sent, or the request is refused', async () => {
  const client = await serving([artifact]);
  const ids = ['9007199254740992', '9007199254740993'];
  const rank = (ids: string[]) =>
    client.ask('/v1/rank', `{"scenario":"search","items":[${ids.map((id, i) => `{"id":${id},"item":${i + 5}}`)}]}`);
  const refused = await rank(ids);
  expect([refused.status, refused.body.error.code]).toEqual([400, 'REQUEST_INVALID']);
  const { body } = await rank(ids.map((id) => `"${id}"`));
  expect(body.items.map(({ id }: { id: string }) => id).sort()).toEqual(ids);
});

test('INT64 beyond 2^53 is answered as the text of the same digits, or refused', async () => {
  const client = await serving([artifact]);
  const click = async (datatype: string, data: string): Promise<number | string> => {
    const inputs = [
      '{"name":"scenario","datatype":"BYTES","shape":[1],"data":["search"]}',
      '{"name":"item","datatype":"INT64","shape":[1],"data":[5]}',
      `{"name":"user","datatype":"${datatype}","shape":[1],"data":[${data}]}`,
    ];
    const body = `{"inputs":[${inputs}],"outputs":[{"name":"probability_click"}]}`;
    const { status, body: answer } = await client.ask('/v2/models/mmoe-t/infer', body);
    return status === 200 ? answer.outputs[0].data[0] : answer.code;
  };
  const [of995, of996] = [await click('BYTES', '"9007199254740995"'), await click('BYTES', '"9007199254740996"')];
  expect(of995).not.toBe(of996);
  expect(['TENSOR_INVALID', of995]).toContain(await click('INT64', '9007199254740995'));
  expect(['TENSOR_INVALID', of995]).toContain(await click('UINT64', '9007199254740995'));
});
