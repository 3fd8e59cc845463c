/** What only PEPNet promises: gates stop gradients, options name fields. */
import { expect, test } from 'vitest';
import type { ModelSizes } from '../../src/model/contract.ts';
import { findModel } from '../../src/model/registry.ts';
import { type Feeds, feedsFor, gradients, open, setupOf } from './support.ts';

const ROWS = 9;
const SIZES: ModelSizes = { fields: 4, scenarios: 2, tasks: 2, fieldNames: ['user', 'item', 'author', 'hour'] };
const OPTIONS = {
  embeddingDim: 3,
  taskDims: [8, 7],
  gateDim: 5,
  scenarioDim: 2,
  inputFields: ['hour', 'item'],
  priorFields: ['user'],
};
const WIDTH = 12;

/** Gradients of the rows' embeddings [ROWS, 12], logits [ROWS, 2] and what was fed. Biases outside the gates are 0. */
async function trained(): Promise<{ gradient: number[]; logits: number[]; feeds: Feeds }> {
  const setup = setupOf(findModel('pepnet'), OPTIONS, SIZES, 'train');
  const subject = await open(setup);
  const feeds = feedsFor([...subject.inputs, ...subject.training.inputs], setup, ROWS);
  for (const name of Object.keys(feeds))
    if (/^(task|tower)\.\d\.bias$/.test(name)) feeds[name] = { ...feeds[name], data: feeds[name].data.map(() => 0) };
  const found = gradients(subject, await subject.train(feeds)).get('embedding');
  const logits = await subject.logits(feeds);
  await subject.release();
  return { gradient: Array.from(found ?? []), logits: Array.from(logits.data), feeds };
}

/**
 * Without biases and with gates held still every layer grows as its input does, so a logit z is x . dz/dx (Euler). A gate that
 * let gradients through to x would add its own slope.
 */
test('gates pass no gradient to the input that they rescale', async () => {
  const { gradient, logits, feeds } = await trained();
  const { embedding, labels, lossWeights } = feeds;
  for (let row = 0; row < ROWS; row++) {
    const input = [3, 4, 5, 9, 10, 11].map((column) => row * WIDTH + column); // item and hour
    const along = input.reduce((sum, i) => sum + embedding.data[i] * gradient[i], 0);
    const expected = [2 * row, 2 * row + 1].reduce((sum, i) => {
      const probability = 1 / (1 + Math.exp(-logits[i]));
      return sum + lossWeights.data[i] * (probability - labels.data[i]) * logits[i];
    }, 0);
    expect(along, `row ${row}`).toBeCloseTo(expected, 6);
  }
});

test('gates learn the prior fields; a field that no option names is not read', async () => {
  const { gradient } = await trained();
  const used = [0, 1, 2, 3].map((field) =>
    gradient.some((value, i) => Math.floor((i % WIDTH) / 3) === field && value !== 0),
  );
  expect(used).toEqual([true, true, false, true]); // not the author
});

test('an unknown field is a problem that names the nearest known one', () => {
  const model = findModel('pepnet');
  const problems = (sizes: ModelSizes, options: object) =>
    model.problems?.(model.options.parse({ key: 'pepnet', ...options }), sizes);
  expect(problems(SIZES, OPTIONS)).toEqual([]);
  expect(problems(SIZES, { inputFields: ['hour', 'usr'], priorFields: ['Item '] })).toEqual([
    { path: 'model.inputFields.1', message: 'there is no field "usr"; the nearest is "user"' },
    { path: 'model.priorFields.0', message: 'there is no field "Item "; the nearest is "item"' },
  ]);
  expect(problems({ fields: 1, scenarios: 1, tasks: 1 }, { priorFields: ['user'] })).toEqual([
    { path: 'model.priorFields.0', message: 'there is no field "user"; the data name no fields' },
  ]);
});
