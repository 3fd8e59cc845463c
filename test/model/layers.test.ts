/** Laws of single layers. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { Graph, oneHot } from '../../src/graph/index.ts';
import { inferenceGraph } from '../../src/inference/graphs/forward.ts';
import type { Step } from '../../src/model/contract.ts';
import { fieldIndices, fieldsOf } from '../../src/model/layers/fields.ts';
import { generator, ownLayer } from '../../src/model/layers/hypernetwork.ts';
import { findModel } from '../../src/model/registry.ts';
import { draw } from '../../src/train/step/initialize.ts';
import { expectClose, float, normals, numbers, opCounts, run, size, wholes } from '../graph/support.ts';
import { setupOf } from './support.ts';

test('named fields are picked in the order of the data', async () => {
  const fieldNames = ['a', 'b', 'c', 'd', 'e'];
  const property = fc.asyncProperty(fc.shuffledSubarray(fieldNames, { minLength: 1 }), async (names) => {
    const graph = new Graph();
    const indices = fieldIndices(names, { fields: 5, scenarios: 1, tasks: 1, fieldNames });
    const picked = await numbers(fieldsOf(graph.input('rows', ['B', 10]), indices, 2), {
      rows: float(
        Array.from({ length: 20 }, (_, i) => i),
        2,
        10,
      ),
    });
    const columns = [...names]
      .sort()
      .flatMap((name) => [2 * fieldNames.indexOf(name), 2 * fieldNames.indexOf(name) + 1]);
    expect(picked).toEqual([...columns, ...columns.map((column) => 10 + column)]);
  });
  await fc.assert(property, { numRuns: 20, seed: 3 });
});

test.each(['shared-bottom', 'streams', 'pepnet'])('%s multiplies the pairs of its fields once', (key) => {
  const sizes = { fields: 3, scenarios: 2, tasks: 2, fieldNames: ['a', 'b', 'c'] };
  const setup = setupOf(findModel(key), { embeddingDim: 2, pairs: true }, sizes, 'train');
  expect(opCounts(inferenceGraph(setup).bytes).Gather).toBe(1);
});

test('a generated layer gives each row what the kernel of its own scenario gives', async () => {
  const sizes = fc.record({
    stack: fc.integer({ min: 1, max: 3 }),
    rows: fc.integer({ min: 1, max: 6 }),
    scenarios: fc.integer({ min: 1, max: 4 }),
    vector: fc.integer({ min: 1, max: 3 }),
    inputs: fc.integer({ min: 1, max: 4 }),
    outputs: fc.integer({ min: 1, max: 4 }),
    key: fc.nat(),
  });
  const property = fc.asyncProperty(sizes, async ({ stack, rows, scenarios, vector, inputs, outputs, key }) => {
    const generate = generator('layer', { vector, inputs, outputs });
    const specs = generate.parameters;
    const graph = new Graph();
    const parameters = new Map(specs.map(({ name, shape }) => [name, graph.input(name, shape)]));
    const parameter = (name: string) => parameters.get(name) ?? graph.constant(0);
    const layer = generate(graph.input('vectors', [scenarios, vector]), { parameter } as Step);
    const own = oneHot(graph.input('scenario', ['B'], 'int32'), scenarios);
    const y = ownLayer(graph.input('x', [stack, 'B', inputs]), layer, own);
    const feeds = {
      x: normals([stack, rows, inputs], 1, 'x', key),
      scenario: wholes([rows], scenarios, 'scenario', key),
      vectors: normals([scenarios, vector], 1, 'vectors', key),
      ...Object.fromEntries(specs.map(({ name, shape }) => [name, normals(shape, 1, name, key)])),
    };
    const at = (name: keyof typeof feeds, ...index: number[]): number => {
      const { shape, data } = feeds[name];
      return data[index.reduce((flat, i, axis) => flat * shape[axis] + i, 0)];
    };
    /** Output `column` of a dense layer of the scenario's vector. */
    const made = (part: string, scenario: number, column: number): number => {
      const kernel = `layer.${part}.kernel` as keyof typeof feeds;
      const bias = at(`layer.${part}.bias` as keyof typeof feeds, column);
      return Array.from({ length: vector }, (_, i) => at('vectors', scenario, i) * at(kernel, i, column)).reduce(
        (a, b) => a + b,
        bias,
      );
    };
    const expected: number[] = [];
    for (let k = 0; k < stack; k++)
      for (let row = 0; row < rows; row++)
        for (let out = 0; out < outputs; out++) {
          const scenario = at('scenario', row);
          let sum = made('biases', scenario, out);
          for (let i = 0; i < inputs; i++) sum += at('x', k, row, i) * made('kernels', scenario, i * outputs + out);
          expected.push(sum);
        }
    expectClose((await run({ y }, feeds)).y, { shape: [stack, rows, outputs], data: expected }, 1e-5, 'y', 1e-6);
  });
  await fc.assert(property, { numRuns: 20, seed: 4 });
});

/** Each of w inputs adds to the variance of a number; dividing by sqrt(w) keeps their sum where it was. */
test.each([4, 64])('a generated layer of width %i starts with a gain that does not depend on it', (width) => {
  const vector = 8;
  const { parameters } = generator('layer', { vector, inputs: width, outputs: width });
  const [kernel, bias] = parameters.map(({ name, shape, initializer }) => {
    const generator = random('start', width, name);
    return Float64Array.from({ length: size(shape) }, () => draw(initializer, generator));
  });
  // With a vector of ones: a row of ones times the kernel, summed over inputs, has variance (vector + 1) * width * bound^2 / 3.
  const squares = Array.from({ length: width ** 2 }, (_, at) => {
    let made = bias[at];
    for (let i = 0; i < vector; i++) made += kernel[i * width ** 2 + at];
    return made ** 2;
  });
  const gain = (width * squares.reduce((a, b) => a + b, 0)) / width ** 2;
  expect(gain).toBeGreaterThan(0.6 * (9 / 24));
  expect(gain).toBeLessThan(1.4 * (9 / 24));
});
