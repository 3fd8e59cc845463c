/** What every selected graph keeps: on the rows whose gates and choices it was made from, it answers as the model does. */
import { expect } from 'vitest';
import { rewriter } from '../../src/export/select/rewrite.ts';
import { decide, type SwitchCounts, switchesOf } from '../../src/export/select/switches.ts';
import { compileServing, type ServingGraph, type ServingTensors } from '../../src/inference/graphs/serving.ts';
import type { TrainedModel } from '../../src/inference/model/trained.ts';
import { createServing } from '../../src/inference/serving/serving-model.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { feedsOf, openGraph, type Rows, servingGraph } from './served.ts';

export const ROWS = 24;

async function answers(served: TrainedModel, graph: ServingGraph, rows: Rows): Promise<Record<string, Value>> {
  const session = await openGraph(served, graph);
  const found = await session.run(feedsOf(graph, rows));
  await session.release();
  return found;
}

/** Counts by hand, one switch of one row after the other. */
export async function countsOn(served: TrainedModel, tensors: ServingTensors, rows: Rows): Promise<SwitchCounts> {
  const { scenarios } = served.sizes;
  const counts: SwitchCounts = { rows: new Array(scenarios).fill(0), ones: {} };
  for (const scenario of rows.scenario) counts.rows[scenario]++;
  for (const { name, tensor, axis, count } of switchesOf(tensors)) {
    const { data } = (await answers(served, compileServing(served, { found: tensor }), rows)).found;
    counts.ones[name] = counts.rows.map(() => new Array(count).fill(0));
    for (let i = 0; i < rows.size; i++)
      for (let k = 0; k < count; k++)
        counts.ones[name][rows.scenario[i]][k] += data[axis === 1 ? i * count + k : k * rows.size + i];
  }
  return counts;
}

const ofOne = (rows: Rows, scenario: number): { places: number[]; own: Rows } => {
  const places = Array.from(rows.scenario.keys()).filter((i) => rows.scenario[i] === scenario);
  const picked = (all: Int32Array): Int32Array => {
    const width = all.length / rows.size;
    return Int32Array.from(places.flatMap((i) => [...all.subarray(i * width, (i + 1) * width)]));
  };
  const { ids, sequences } = rows;
  const own = { size: places.length, ids: picked(ids), scenario: picked(rows.scenario) };
  return { places, own: { ...own, ...(sequences && { sequences: picked(sequences) }) } };
};

/** Builds all graphs and holds them against the model on the rows; returns those of the scenarios. */
export async function holds(served: TrainedModel, rows: Rows): Promise<ServingGraph[]> {
  const serving = createServing(served);
  const decisions = decide(await countsOn(served, serving.tensors, rows));
  const expected = await answers(served, servingGraph(served), rows);
  const close = (found: Record<string, Value>, places: readonly number[], what: string): void => {
    for (const [name, { data }] of Object.entries(found)) {
      const width = data.length / places.length;
      data.forEach((value, i) => {
        const wanted = expected[name].data[places[Math.floor(i / width)] * width + (i % width)];
        const tolerance = name === 'logits' ? 1e-5 * Math.max(1, Math.abs(wanted)) : 2e-6;
        if (!(Math.abs(value - wanted) <= tolerance))
          expect.fail(`${what}: ${name} is ${value}, the model has ${wanted}`);
      });
    }
  };
  const { joint, scenarios } = rewriter(serving, switchesOf(serving.tensors), decisions, true)({});
  close(await answers(served, joint, rows), [...rows.ids.subarray(0, rows.size).keys()], 'all scenarios');
  for (const [s, graph] of scenarios.entries()) {
    expect(graph.inputs.map(({ name }) => name)).not.toContain('scenario');
    const { places, own } = ofOne(rows, s);
    if (own.size > 0) close(await answers(served, graph, own), places, `scenario ${s}`);
  }
  return scenarios;
}

/** Makes gates of AutoIFS constant: 1 or 0 where so given, as drawn where null. */
export function withGates(served: TrainedModel, pattern: readonly (0 | 1 | null)[]): TrainedModel {
  const [kernel, bias] = ['gate.head.kernel', 'gate.head.bias'].map(
    (name) => served.tensors.get(name) as NonNullable<ReturnType<typeof served.tensors.get>>,
  );
  const width = bias.data.length;
  const constant = (gate: number): 0 | 1 | null => pattern[gate % pattern.length];
  const tensors = new Map(served.tensors);
  tensors.set('gate.head.kernel', {
    ...kernel,
    data: kernel.data.map((v, i) => (constant(i % width) === null ? v : 0)),
  });
  tensors.set('gate.head.bias', {
    ...bias,
    data: bias.data.map((v, i) => (constant(i) === null ? v : constant(i) === 1 ? 1 : -1)),
  });
  return { ...served, tensors };
}
