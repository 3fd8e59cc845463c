/** A field that is the scenario under another name: the request says it once. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportRun } from '../../../src/export/export.ts';
import { loadRanker } from '../../../src/serve/ranker/ranker.ts';
import type { Ranker } from '../../../src/serve/ranker/ranker-contract.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../../train/support.ts';

const { path: folder, remove } = temporaryFolder();
let ranker: Ranker;

beforeAll(async () => {
  const [run, out] = [join(folder, 'run'), join(folder, 'artifact')];
  // The field `place` is 0 and 1, the scenarios are called feed and search.
  const data = await prepareSmall(folder);
  await makeRun(run, data, { model: { key: 'mmoe', embeddingDim: 4 }, train: { maxEpochs: 2 } });
  await trainWithStops(run);
  await exportRun(run, { out, calibrate: 'none', threads: 1 });
  ranker = await loadRanker(out);
});
afterAll(async () => {
  await ranker.close();
  remove();
});

const items = [
  { id: 1, item: 'i3' },
  { id: 2, item: 'i4' },
];

test.each([
  ['feed', 0],
  ['search', 1],
])('%s: the same answer with the field and without it', async (scenario, place) => {
  const answer = async (user: object) => (await ranker.score({ scenario, user: { user: 'u1', ...user }, items })).items;
  const without = await answer({});
  expect(await answer({ place })).toEqual(without);
  expect(await answer({ place: String(place) })).toEqual(without);
  expect(await answer({ place: null })).not.toEqual(without);
  expect(await answer({ place: 1 - place })).not.toEqual(without);
});

test('tensors of fields: the same', async () => {
  const tensor = (name: string, data: unknown[]) => ({ name, datatype: 'BYTES', shape: [data.length], data });
  const infer = (...inputs: ReturnType<typeof tensor>[]) =>
    ranker.infer({ inputs: [tensor('item', ['i3', 'i4']), tensor('scenario', ['feed', 'search']), ...inputs] });
  const { logits } = await infer();
  expect((await infer(tensor('place', ['0', '1']))).logits).toEqual(logits);
  expect((await infer(tensor('place', ['1', '0']))).logits).not.toEqual(logits);
});

test('metrics count a value that follows from the scenario as known', async () => {
  const other = await loadRanker(ranker.folder);
  await other.rank({ scenario: 'feed', user: { user: 'u1', tags: 'a' }, items: [{ id: 1, item: 'i3' }] });
  const families = JSON.stringify(other.metrics.families('m').find(({ name }) => name.includes('out_of_vocabulary')));
  expect(families).not.toMatch(/"value":[1-9]/);
  await other.close();
});
