/** Run by folders.long.test.ts in a process of its own, which kill-at.cjs ends somewhere: puts a folder in the place of another. */
import fs, { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFolder } from '../../dist/base/folders.js';

const [folder, content] = process.argv.slice(2);
fs.counting = true;
await writeFolder(
  folder,
  async (staging) => {
    mkdirSync(join(staging, 'inner'));
    for (const name of ['a', 'inner/b', 'inner/c']) writeFileSync(join(staging, name), content);
  },
  () => {},
);
