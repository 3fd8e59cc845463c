/** Every value of every configuration in turn becomes one of another kind: it is read, or refused with a code. */
import { expect, test } from 'vitest';
import { loadRunConfig } from '../../src/config/load.ts';
import { models } from '../../src/model/registry.ts';
import { CONFIGURATIONS } from './configurations.ts';
import { isRefusal } from './damage.ts';

const OTHERS: unknown[] = [null, true, 0, -1, 1.5, 1e300, '', 'x', [], [null], [[1]], {}, { x: null }, new Date(0)];

/** Copies of a value in which one part is another one. */
function* edits(value: unknown, path = ''): Generator<{ path: string; edited: unknown }> {
  for (const edited of OTHERS) yield { path: `${path} = ${JSON.stringify(edited)}`, edited };
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    for (const { path: at, edited } of edits(inner, `${path}.${key}`)) {
      const copy = Array.isArray(value) ? [...value] : { ...value };
      (copy as Record<string, unknown>)[key] = edited;
      yield { path: at, edited: copy };
    }
    const { [key]: _, ...rest } = value as Record<string, unknown>;
    if (!Array.isArray(value)) yield { path: `${path}.${key} left out`, edited: rest };
  }
}

async function tryEdits(value: unknown, read: (config: object) => Promise<unknown>): Promise<number> {
  await read(value as object);
  const wrong: string[] = [];
  let tried = 0;
  for (const { path, edited } of edits(value)) {
    if (typeof edited !== 'object' || edited === null) continue; // stands for the name of a file
    tried++;
    await read(edited).catch((cause) => {
      if (!isRefusal(cause)) wrong.push(`${path}: ${(cause as Error).stack?.split('\n').slice(0, 3).join(' ')}`);
    });
  }
  expect(wrong).toEqual([]);
  return tried;
}

test.each(CONFIGURATIONS)('a $name configuration', async ({ value, read }) => {
  expect(await tryEdits(value, read)).toBeGreaterThan(100);
});

test.each([...models.keys()])('the options of %s', async (key) => {
  const { model } = await loadRunConfig({ models, config: { model: { key } } });
  expect(await tryEdits(model, (edited) => loadRunConfig({ models, config: { model: edited } }))).toBeGreaterThan(30);
});
