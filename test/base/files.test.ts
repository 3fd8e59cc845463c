/** What a killed write leaves does not stay. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { streamFileAtomic, writeFileAtomic } from '../../src/base/files.ts';
import { newMark } from '../../src/base/marks.ts';
import { temporaryFolder } from '../serve/support.ts';

/** No process has this number: the largest one of Linux is below it. */
const GONE = '99999999';
const alive = newMark();
const dead = newMark().replace(/^\d+/, GONE);

async function* piecesOf(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}

test.each([
  ['at once', async (path: string) => writeFileAtomic(path, 'new')],
  ['in pieces', (path: string) => streamFileAtomic(path, piecesOf('new'))],
])('a file written %s takes away what killed writes of it left, and nothing else', async (_, write) => {
  const folder = temporaryFolder();
  const others = [`a.json.${alive}.tmp`, `b.json.${dead}.tmp`, 'a.json.tmp', 'a.json.notes.tmp', `a.json.${dead}`];
  for (const name of [...others, `a.json.${dead}.tmp`, `a.json.${GONE}.tmp`]) writeFileSync(join(folder, name), 'old');
  await write(join(folder, 'a.json'));
  expect(readFileSync(join(folder, 'a.json'), 'utf8')).toBe('new');
  expect(readdirSync(folder).sort()).toEqual(['a.json', ...others].sort());
});
