/** The other cases of each model, and each model as wide as it is by default. */
import { expect, test } from 'vitest';
import { findModel } from '../../src/model/registry.ts';
import { CASES } from '../model/every-case.ts';
import { agreesWithTraining, keepsItsBits } from './laws.ts';
import { feedsOf, openGraph, rowsFor, servedOf, servingGraph } from './served.ts';

const sequences = { types: 3, length: 5, itemField: 0 };
const SIZES = { fields: 12, scenarios: 3, tasks: 2, sequences, orderedTasks: true };

for (const [key, { cases }] of Object.entries(CASES)) {
  for (const { title, options, sizes } of cases.slice(1)) {
    const served = servedOf(findModel(key), options, sizes);
    test(`${key}, ${title}: serves what training's graph gives`, () => agreesWithTraining(served));
    test(`${key}, ${title}: gives a row the same bits in any batch`, () => keepsItsBits(served, [1, 2, 7]));
  }
  const wide = servedOf(findModel(key), {}, SIZES);
  test(`${key} at its defaults gives a row the same bits in any batch`, () => keepsItsBits(wide, [1, 7, 250], 500));
  test(`${key} runs in onnxruntime-web`, async () => {
    const served = servedOf(findModel(key), cases[0].options, cases[0].sizes);
    const [graph, rows] = [servingGraph(served), rowsFor(served, 20)];
    const [node, web] = [await openGraph(served, graph), await openGraph(served, graph, { backend: 'web' })];
    const [a, b] = [await node.run(feedsOf(graph, rows)), await web.run(feedsOf(graph, rows))];
    await node.release();
    await web.release();
    for (const [i, logit] of a.logits.data.entries())
      expect(Math.abs(b.logits.data[i] - logit)).toBeLessThan(1e-4 * Math.max(1, Math.abs(logit)));
  });
}
