/** docs/ops.md says what the table of ops and the list of passes say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as room from '../../src/graph/index.ts';
import { compile, Graph, OPS, type OpName } from '../../src/graph/index.ts';
import { CASES } from './cases.ts';
import { opCounts } from './support.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const [ops, afterOps] = read('docs/ops.md').split('\n## From a graph to ONNX');
const [, passes] = afterOps.split('\n## Passes');
const rows = [...ops.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, op, cells]) => {
  const [inputs, shape, derivative, onnx, layout] = cells.split(' | ').map((cell) => cell.trim());
  return { op: op as OpName, inputs, shape, derivative, onnx, layout };
});

test('every op has one row, in the order of the table', () => {
  expect(rows.map(({ op }) => op)).toEqual(Object.keys(OPS));
});

test('the passes are listed in their order', () => {
  const [, list] = read('src/graph/passes/index.ts').split('readonly Pass[] => [');
  const listed = [...list.split('\n];')[0].matchAll(/^ {2}(?:\.\.\.\(fuse \? \[)?(\w+)/gm)].map(([, name]) => name);
  expect([...passes.split('\n## ')[0].matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)).toEqual(listed);
});

describe.each(rows)('the row of $op', ({ op, derivative, onnx, layout }) => {
  test('names the layout and whether there is a derivative', () => {
    expect(layout).toBe(OPS[op].layout);
    expect(derivative === 'none').toBe(OPS[op].derivative === null);
  });

  test('names ONNX ops that its cases become', () => {
    const named = onnx.match(/\b[A-Z]\w+/g) ?? [];
    const emitted = CASES[op].flatMap(({ inputs, build }) => {
      const graph = new Graph();
      const fed = Object.entries(inputs).map(([name, { shape, type }]) => [name, graph.input(name, shape, type)]);
      return Object.keys(opCounts(compile({ y: build(Object.fromEntries(fed), graph) }).bytes));
    });
    // A sum becomes a Gemm only beside a product, which its own cases do not have.
    for (const name of named) if (op !== 'add' || name !== 'Gemm') expect(emitted).toContain(name);
    if (named.length === 0) expect(['input', 'constant', 'stopGradient']).toContain(op);
  });

  test.skipIf(op === 'input' || op === 'constant')('has a function of its name', () => {
    expect(room).toHaveProperty(op);
  });
});
