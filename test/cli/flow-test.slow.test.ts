/** `flows --test` on a synthetic world: the planted truth, found from labels alone. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flowDocumentSchema } from '../../src/documents/flows.ts';
import { tributary } from './spawn.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  const world = ['--rows', '80000', '--seed', '907', '--source', join(folder, 'world'), '--out', join(folder, 'data')];
  expect(tributary(['prepare', 'synthetic', ...world]).code).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Truth {
  flows: { userField: string; itemField: string }[];
  cells: { scenario: string; task: string; flows: { flow: number; noise: boolean }[] }[];
}

test('every planted noise flow is called useless, nothing else is, and each flow reads its own fields', () => {
  const { code, out } = tributary(['flows', '--test', join(folder, 'data'), '--json']);
  expect(code).toBe(0);
  const { event, ...document } = JSON.parse(out.trim().split('\n').at(-1) as string);
  expect(event).toBe('result');
  const { flows, fields, rows, of } = flowDocumentSchema.parse(document);
  expect([rows, of]).toEqual([50_000, 64_000]);
  const truth: Truth = JSON.parse(readFileSync(join(folder, 'world', 'synthetic-truth.json'), 'utf8')).truth;
  const name = (line: { scenario: string; task: string; flow: number }) => `${line.scenario}/${line.task}/${line.flow}`;
  const planted = truth.cells.flatMap(({ scenario, task, flows }) =>
    flows.filter(({ noise }) => noise).map(({ flow }) => name({ scenario, task, flow })),
  );
  expect(planted.length).toBe(4);
  expect(flows.filter(({ verdict }) => verdict === 'useless').map(name)).toEqual(planted);
  for (const [k, { userField, itemField }] of truth.flows.entries())
    expect(fields.filter(({ reads }) => reads[k]).map(({ field }) => field)).toEqual([userField, itemField]);
  for (const line of flows) {
    const isNoise = planted.includes(name(line));
    // On rows never seen: a noise flow's score is worth nothing, another one's about what it was.
    if (line.certificate === null) expect(isNoise).toBe(true);
    else if (isNoise) expect(line.certificate.high).toBeLessThan(0.5);
    else expect(line.certificate.low).toBeGreaterThan(0.5);
    if (!isNoise) expect(line.certificate?.aucHigh).toBeLessThan(0);
  }
});

test('the text says it in words, with the figures of rows never seen', () => {
  const { code, out } = tributary(['flows', '--test', join(folder, 'data'), '--rows', '30000']);
  expect(code).toBe(0);
  expect(out).toMatch(/30,000 of 64,000 training rows/);
  expect(out.match(/gains nothing from the [a-z-]+ flow; without it AUC changes by [+-]0\.00\d\d \[/g)).toHaveLength(4);
  expect(out).toMatch(/^item_id +- +- +- +-$/m);
});

test('rows are a number or all', () => {
  const { code, err } = tributary(['flows', '--test', join(folder, 'data'), '--rows', 'many']);
  expect(code).toBe(2);
  expect(err).toContain('Expected a whole number of at least 1000, or all.');
});
