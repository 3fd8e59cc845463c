#!/usr/bin/env node
// Starts the command line. In a clone (there is a src/ beside this folder) it first compiles what is newer than the
// last build; a published package has dist/ only and starts at once.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src');
const stamp = join(root, 'dist', '.stamp');

if (existsSync(source) && !isFresh()) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'build.js')], { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
await import(pathToFileURL(join(root, 'dist', 'cli', 'main.js')).href);

function isFresh() {
  if (!existsSync(stamp)) return false;
  const built = statSync(stamp).mtimeMs;
  return readdirSync(source, { recursive: true }).every((name) => statSync(join(source, name)).mtimeMs <= built);
}
