// Compiles src/ to dist/, bundles the script of pages, and removes what came from sources that are gone: it would be published. Writes a stamp last, so that bin/tributary.js can tell a whole build from a broken one.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

rmSync(join(root, 'dist', '.stamp'), { force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
  stdio: ['ignore', 2, 2], // compiler messages go to stderr: stdout belongs to the command that asked for a build
});
if (status === 0) removeOrphans();
if (status === 0) await bundlePages();
if (status === 0) writeFileSync(join(root, 'dist', '.stamp'), '');
process.exit(status ?? 1);

function removeOrphans() {
  for (const file of readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })) {
    if (/^pages\/bundle\.(js|css)$/.test(file)) continue;
    const source = /^(.*?)\.(?:js|d\.ts)(?:\.map)?$/.exec(file)?.[1];
    if (source !== undefined && !existsSync(join(root, 'src', `${source}.ts`))) rmSync(join(root, 'dist', file));
  }
}

/** Licences of all packages whose files are in a bundle, each text once. */
function notices({ inputs }) {
  const packages = new Set(
    Object.keys(inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
  );
  const named = new Map();
  for (const name of [...packages].sort()) {
    const folder = join(root, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    const text = readFileSync(join(folder, file), 'utf8').trim();
    named.set(text, [...(named.get(text) ?? []), `${name} ${version}`]);
  }
  return [...named].map(([text, names]) => `${names.join(', ')}\n\n${text}`).join('\n\n----\n\n');
}

/** The browser's part of pages (*.tsx) as one script, with the licences of what is in it. */
async function bundlePages() {
  const folder = join(root, 'dist', 'pages');
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, 'src', 'pages', 'main.tsx')],
    absWorkingDir: root,
    tsconfig: join(root, 'src', 'pages', 'tsconfig.json'),
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm', // a module script: it may await its data
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const licences = `This script contains the following packages.\n\n${notices(metafile)}`.replaceAll('*/', '* /');
  writeFileSync(join(folder, 'bundle.js'), `/*\n${licences}\n*/\n${outputFiles[0].text}`);
  copyFileSync(join(root, 'src', 'pages', 'page.css'), join(folder, 'bundle.css'));
}
