/** The catalogue: its page, and that each code is thrown by the program and met by a test. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ERRORS } from '../../src/base/errors/index.ts';
import { AREAS, errorPage } from './error-page.ts';

const codes = Object.keys(ERRORS);

test('docs/errors.md has every code (update with: npm run build:docs)', async () => {
  expect(
    Object.values(AREAS)
      .flatMap((entries) => Object.keys(entries))
      .sort(),
  ).toEqual([...codes].sort());
  await expect(errorPage()).toMatchFileSnapshot('../../docs/errors.md');
});

/** All words that look like codes in the sources of a folder; those that a source only passes to `error(` aside if `met`. */
function wordsOf(folder: string, isRead: (path: string) => boolean, met: boolean): Set<string> {
  const words = new Set<string>();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || !isRead(path)) continue;
    const text = readFileSync(join(folder, path), 'utf8');
    const shown = met ? text.replaceAll(/\berror\(\s*'[A-Z_]+'/g, '') : text;
    for (const [word] of shown.matchAll(/\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)*\b/g)) words.add(word);
  }
  return words;
}

test('every code is thrown somewhere', () => {
  const thrown = wordsOf('src', (path) => !path.startsWith(join('base', 'errors')), false);
  expect(codes.filter((code) => !thrown.has(code))).toEqual([]);
});

test('every code is met by a test that provokes it', () => {
  const met = wordsOf('test', (path) => !path.startsWith(join('base', 'error')), true);
  expect(codes.filter((code) => !met.has(code))).toEqual([]);
});
