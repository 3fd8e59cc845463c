/** The pages in docs/models are what `tributary models KEY --markdown` prints. `npm run build:docs` writes them. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { modelPage } from '../../src/cli/print/model-page.ts';
import { add, Graph, matmul, relu } from '../../src/graph/index.ts';
import { figure } from '../../src/model/figure.ts';
import { models } from '../../src/model/registry.ts';

test.each([...models])('%s has its page', async (key, model) => {
  await expect(modelPage(model)).toMatchFileSnapshot(`../../docs/models/${key}.md`);
});

test('there are no other pages', () => {
  const pages = readdirSync('docs/models').map((file) => file.replace('.md', ''));
  expect(pages.filter((key) => !models.has(key))).toEqual([]);
});

test('a figure has a box a layer, a circle where layers meet, and arrows as values flow', () => {
  const graph = new Graph();
  const x = graph.input('x', ['B', 4]);
  const layer = (name: string, from: typeof x) =>
    relu(add(matmul(from, graph.input(`${name}.kernel`, [4, 4])), graph.input(`${name}.bias`, [4])));
  const [left, right] = [layer('left', x), layer('right', x)];
  const top = layer('top', add(left, right));
  const names = ['left', 'right', 'top'].flatMap((name) => [`${name}.kernel`, `${name}.bias`]);
  expect(figure({ top }, new Set(names))).toBe(
    [
      'flowchart LR',
      '  n0[/"x<br/>B x 4"/]',
      '  n1["left<br/>4 x 4"]',
      '  n2["right<br/>4 x 4"]',
      '  n3(("B x 4"))',
      '  n4["top<br/>4 x 4"]',
      '  n0 --> n1',
      '  n0 --> n2',
      '  n1 --> n3',
      '  n2 --> n3',
      '  n3 --> n4',
    ].join('\n'),
  );
});
