/** A model whose tables stay in their files answers with the bits of one whose tables are in memory. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createServing } from '../../src/inference/serving/serving-model.ts';
import { findModel } from '../../src/model/registry.ts';
import { bytesOfTensor, FileTensor, OpenFile } from '../../src/store/tensors.ts';
import { rowsFor, servedOf } from './served.ts';

test('tables in files: same answers, same bytes for an artifact, and nothing is left behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const sizes = { fields: 3, scenarios: 2, tasks: 2 };
  const inMemory = servedOf(findModel('autoifs'), { embeddingDim: 4, mlpDims: [8, 8, 4], loraRank: 2 }, sizes);
  const tensors = new Map(inMemory.tensors);
  for (const name of ['embedding', 'gateEmbedding']) {
    const { data, shape } = inMemory.tensors.get(name) as { data: Float32Array; shape: number[] };
    const stored = data.slice();
    for (const { offset } of inMemory.data.fields) stored.fill(7, offset * 4, (offset + 1) * 4); // padding in the file
    const path = join(folder, name);
    writeFileSync(path, Buffer.concat([Buffer.alloc(12), new Uint8Array(stored.buffer)]));
    const table = new FileTensor(new OpenFile(path, 'a table'), 12, shape);
    for (const { offset } of inMemory.data.fields) table.clear(offset * 4, (offset + 1) * 4);
    tensors.set(name, table);
    expect(Buffer.concat([...bytesOfTensor(table)].map((piece) => piece.slice()))).toEqual(Buffer.from(data.buffer));
  }
  const rows = rowsFor(inMemory, 20);
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('tributary-tables-'));
  const answers = await Promise.all(
    [inMemory, { ...inMemory, tensors }].map(async (trained) => {
      const serving = createServing(trained, { threads: 1 });
      const answer = await serving.answering([serving.compile(serving.tensors.outputs)]);
      const found = await answer(rows);
      await serving.close();
      return found;
    }),
  );
  expect(answers[1]).toEqual(answers[0]);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('tributary-tables-'))).toEqual(before);
  expect(existsSync(folder) && readFileSync(join(folder, 'embedding')).length).toBeGreaterThan(12);
});
