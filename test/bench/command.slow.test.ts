import { expect, test } from 'vitest';
import { tributary } from '../cli/spawn.ts';

const SMALL = [
  'bench',
  'train',
  '--steps',
  '2',
  '--batch',
  '32',
  '--fields',
  '2',
  '--vocabulary',
  '40',
  '--threads',
  '1',
  '--set',
  'model.mlpDims=[8,6,4]',
];

test('--json prints one object per phase, and nothing else on stdout', () => {
  const { code, out } = tributary([...SMALL, '--json']);
  expect(code).toBe(0);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ phase }) => phase)).toEqual(['search', 'retrain']);
  for (const line of lines)
    for (const key of [
      'medianMs',
      'minMs',
      'rowsPerSecond',
      'gflops',
      'peakGflops',
      'peakShare',
      'productShare',
      'peakMemoryBytes',
      'copies',
    ])
      expect(line[key], key).toBeGreaterThan(0);
});

test('as text, a table and the two-copies check', () => {
  const { code, out } = tributary([...SMALL, '--phase', 'retrain']);
  expect(code).toBe(0);
  expect(out).toMatch(/^autoifs retrain +\d/m);
  expect(out).toMatch(/two copies of a loop at once: \d+\.\d\d times the time of one/);
  expect(tributary(['bench', 'train', '--preset', 'nowhere']).code).toBe(2);
});
