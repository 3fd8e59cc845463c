import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDataset } from '../../src/cli/dataset.ts';
import { temporaryFolder } from '../store/temporary.ts';

test('options of a recipe may be lists, as those of a configuration', async () => {
  const source = join(temporaryFolder(), 'world');
  const set = ['noiseFlows=[]', 'strengths=[0.5,0.4,0.3,0.3]', 'tasks=3', 'funnel=true'];
  await readDataset('synthetic', 'tributary prepare', { source, rows: 200, set });
  expect(existsSync(source)).toBe(true);
  const { truth } = JSON.parse(readFileSync(join(source, 'synthetic-truth.json'), 'utf8'));
  expect(truth.tasks).toHaveLength(3);
  const flows = truth.cells.flatMap((cell: { flows: unknown[] }) => cell.flows);
  expect(flows.filter(({ noise }: { noise: boolean }) => noise)).toEqual([]);
  expect(truth.cells[0].flows.map(({ strength }: { strength: number }) => strength)).toEqual([0.5, 0.4, 0.3, 0.3]);
});
