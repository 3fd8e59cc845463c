/** Replays a Dockerfile's stages in folders: the steps that ours uses, and none that it does not. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

export interface Image {
  /** Folder that stands for the root of the last stage's file system. */
  root: string;
  workdir: string;
  env: Record<string, string>;
  user: string;
  entrypoint: string[];
  cmd: string[];
  healthcheck: string[];
}

interface Stage {
  name: string;
  steps: [instruction: string, rest: string][];
}

/** Instructions of each stage; comments and ARG before the first one aside. */
export function readStages(path: string): Stage[] {
  const stages: Stage[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (instruction === undefined) {
      if (line !== '' && !line.startsWith('#')) throw new Error(`not one instruction a line: ${line}`);
    } else if (instruction === 'FROM') {
      stages.push({ name: / AS (\S+)$/.exec(rest)?.[1] ?? '', steps: [] });
    } else stages.at(-1)?.steps.push([instruction, rest]);
  }
  return stages;
}

/** Is a path of the context one that .dockerignore lets through? Its form: all but the paths after `!`. */
function isSent(path: string, ignoreFile: string): boolean {
  const lines = readFileSync(ignoreFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines[0] !== '*' || lines.slice(1).some((line) => !line.startsWith('!')))
    throw new Error('expected *, then !PATH');
  return lines.slice(1).some((line) => path === line.slice(1) || path.startsWith(`${line.slice(1)}/`));
}

/** Runs all stages below `folder`. `run` does a RUN step in its folder. */
export function buildImage(
  dockerfile: string,
  folder: string,
  run: (command: string, cwd: string, stage: string) => void = runInShell,
): Image {
  const context = resolve(dockerfile, '..');
  let image: Image | undefined;
  for (const { name, steps } of readStages(dockerfile)) {
    const root = join(folder, name || 'last');
    image = { root, workdir: '/', env: {}, user: 'root', entrypoint: [], cmd: [], healthcheck: [] };
    mkdirSync(root, { recursive: true });
    for (const [instruction, rest] of steps) {
      const at = (path: string) => join(root, path.startsWith('/') ? path : join(image?.workdir ?? '/', path));
      if (instruction === 'WORKDIR') {
        image.workdir = rest;
        mkdirSync(at('.'), { recursive: true });
      } else if (instruction === 'ENV') {
        const [key, value] = rest.split('=');
        image.env[key] = value;
      } else if (instruction === 'COPY') {
        const from = /^--from=(\S+) /.exec(rest)?.[1];
        const words = rest.replace(/^--from=\S+ /, '').split(' ');
        const target = words.pop() ?? '';
        for (const word of words) {
          const source = from === undefined ? join(context, word) : join(folder, from, word);
          if (from === undefined && !isSent(word, join(context, '.dockerignore')))
            throw new Error(`${word} is not sent: .dockerignore leaves it out`);
          const isInto = target.endsWith('/') || words.length > 1;
          // A folder's content is copied, a file under its name.
          cpSync(source, isInto && !statSync(source).isDirectory() ? join(at(target), basename(source)) : at(target), {
            recursive: true,
            verbatimSymlinks: true,
          });
        }
      } else if (instruction === 'RUN') run(rest, at('.'), name);
      else if (instruction === 'USER') image.user = rest;
      else if (instruction === 'ENTRYPOINT') image.entrypoint = JSON.parse(rest);
      else if (instruction === 'CMD') image.cmd = JSON.parse(rest);
      else if (instruction === 'HEALTHCHECK') image.healthcheck = JSON.parse(rest.replace(/^.* CMD (?=\[)/, ''));
      else if (instruction !== 'EXPOSE') throw new Error(`unknown instruction ${instruction}`);
    }
  }
  if (image === undefined) throw new Error('no stage');
  return image;
}

function runInShell(command: string, cwd: string): void {
  execFileSync('sh', ['-c', command], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Like `npm ci` in the folder, out of the packages that are installed here: those of package-lock.json, hard-linked. */
export function linkPackages(cwd: string, production: boolean): void {
  const lock = JSON.parse(readFileSync(join(cwd, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  for (const [path, { dev = false, devOptional = false }] of Object.entries(lock.packages)) {
    // What is inside another package comes with it.
    if (path === '' || path.includes('/node_modules/') || (production && (dev || devOptional)) || !existsSync(path))
      continue;
    const target = join(cwd, path);
    mkdirSync(join(target, '..'), { recursive: true });
    execFileSync('cp', ['-al', resolve(path), target]);
  }
}
