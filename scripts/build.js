// Compiles src/ to dist/, and removes what came from sources that are gone: it would be published. Writes a stamp last, so that bin/tributary.js can tell a whole build from a broken one.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

rmSync(join(root, 'dist', '.stamp'), { force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
  stdio: ['ignore', 2, 2], // compiler messages go to stderr: stdout belongs to the command that asked for a build
});
if (status === 0) removeOrphans();
if (status === 0) writeFileSync(join(root, 'dist', '.stamp'), '');
process.exit(status ?? 1);

function removeOrphans() {
  for (const file of readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })) {
    const source = /^(.*?)\.(?:js|d\.ts)(?:\.map)?$/.exec(file)?.[1];
    if (source !== undefined && !existsSync(join(root, 'src', `${source}.ts`))) rmSync(join(root, 'dist', file));
  }
}
