/** The names of the public library: a change of the file of names is a decision. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const { name, exports: subpaths } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  name: string;
  exports: Record<string, { types: string; default: string } | string>;
};

/** Source files by the name that programs import. */
const sources = Object.entries(subpaths).flatMap(([subpath, place]) =>
  typeof place === 'string'
    ? []
    : [[name + subpath.slice(1), place.default.replace('./dist/', 'src/').replace('.js', '.ts')]],
);

/** Names that a file exports, with those of types marked. */
function namesOf(path: string): string[] {
  const text = readFileSync(path, 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
  expect(text, path).not.toMatch(/export \*|export default|export (const|function|interface|class)/);
  return [...text.matchAll(/export (type )?\{([^}]*)\}/g)]
    .flatMap(([, allTypes, list]) =>
      list.split(',').flatMap((item) => {
        const [, type, local, renamed] = /^(type )?(\w+)(?: as (\w+))?$/.exec(item.trim()) ?? [];
        return local === undefined ? [] : [`${(allTypes ?? type) ? 'type ' : ''}${renamed ?? local}`];
      }),
    )
    .sort((a, b) => a.localeCompare(b, 'en'));
}

test('every subpath exports the names that are written down (update with: npm run build:docs)', async () => {
  const text = sources.map(([subpath, path]) => `${[subpath, ...namesOf(path).map((n) => `  ${n}`)].join('\n')}\n`);
  await expect(text.join('\n')).toMatchFileSnapshot('./exports.txt');
});

test.each(sources)('%s: names of values are those of the module', async (_, path) => {
  const values = namesOf(path).filter((item) => !item.startsWith('type '));
  expect(Object.keys(await import(/* @vite-ignore */ resolve(path))).sort()).toEqual([...values].sort());
});

test('no type has a bare name that a reader could mistake', () => {
  const bare = [
    'Cell',
    'Grid',
    'Item',
    'Progress',
    'Macro',
    'Score',
    'Manifest',
    'Finding',
    'Proposal',
    'World',
    'Explanation',
  ];
  for (const [subpath, path] of sources)
    if (!path.includes('/model/'))
      expect(
        namesOf(path).filter((item) => bare.includes(item.slice(5))),
        subpath,
      ).toEqual([]);
});

test('what is declared is where the build puts it', () => {
  for (const [, path] of sources) expect(existsSync(path), path).toBe(true);
});
