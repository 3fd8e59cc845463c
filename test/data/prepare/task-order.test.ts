import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { modelSizes } from '../../../src/inference/model/sizes.ts';
import { dataset, temporaryFolder } from '../support.ts';

/** `labels`: a line for each row, its labels and its part. */
async function manifestOf(labels: string[]) {
  const tasks = ['a', 'b', 'c'].slice(0, labels[0].split(',').length - 1);
  const columns = tasks.map((_, i) => `label${i}`);
  const lines = labels.map((line, i) => `u${i},home,${line}`);
  const folder = temporaryFolder({ 't.csv': [`user,page,${columns},part`, ...lines, ''].join('\n') });
  const config = dataset({
    name: 'ordered',
    sources: { t: { path: 't.csv' } },
    fields: [{ name: 'user', kind: 'categorical' }],
    scenario: { expression: 'page', values: ['home'] },
    tasks: tasks.map((name, i) => ({ name, label: columns[i] })),
    split: { kind: 'column', column: 'part' },
  });
  return (await prepare({ config, sourceFolder: folder, out: join(folder, 'out') })).manifest;
}

const OTHERS = ['0,1,1,validation', '0,1,0,test'];

test.each([
  ['a chain of three', ['1,1,1,train', '1,1,0,train', '1,0,0,train', '0,0,0,train', ...OTHERS], true],
  ['a second without its first', ['1,1,1,train', '0,1,0,train', ...OTHERS], false],
  ['a third without its second', ['1,1,1,train', '1,0,1,train', ...OTHERS], false],
  ['missing labels', [',1,1,train', '1,,1,train', '0,,1,train', '0,0,,train', ...OTHERS], true],
  ['one task', ['1,train', '0,train', '1,validation', '0,test'], true],
])('%s: training rows alone tell whether tasks are ordered', async (_, rows, ordered) => {
  const manifest = await manifestOf(rows);
  expect(manifest.orderedTasks).toBe(ordered);
  expect(modelSizes(manifest).orderedTasks).toBe(ordered);
});

test('data that were prepared before this was counted count as not ordered', async () => {
  const { orderedTasks: _, ...older } = await manifestOf(['1,train', '0,train', '1,validation', '0,test']);
  expect(modelSizes(older).orderedTasks).toBe(false);
});
