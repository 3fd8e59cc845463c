import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const COMMAND = resolve('bin/tributary.js');

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

/** Runs the command as a user does, to its end. `prefix`: words of a command that runs it. */
export function tributary(words: string[], { prefix = [], cwd }: { cwd?: string; prefix?: string[] } = {}): Outcome {
  const [program, ...rest] = [...prefix, process.execPath, COMMAND, ...words];
  const { status, signal, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8', cwd });
  return { code: status, signal, out: stdout, err: stderr };
}

/** The objects of a command that must succeed with --json. */
export function events(words: string[]): Record<string, unknown>[] {
  const { code, out, err } = tributary([...words, '--json']);
  if (code !== 0) throw new Error(`${words.join(' ')}: exit code ${code}\n${err}`);
  return jsonLines(out);
}

export const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** Runs the command and sends it signals, one each time `when` says so of what it has written so far. */
export function interrupted(
  words: string[],
  when: (out: string, err: string, sent: number) => boolean,
): Promise<Outcome> {
  const child = spawn(process.execPath, [COMMAND, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err, sent] = ['', '', 0];
  const look = (): void => {
    if (!when(out, err, sent)) return;
    sent++;
    child.kill('SIGINT');
  };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
    look();
  });
  return new Promise((done) => child.on('close', (code, signal) => done({ code, signal, out, err })));
}

/** A world of so many rows, and a model that trains on it within a second. */
export const SMALL_WORLD = ['prepare', 'synthetic', '--rows', '4000', '--set', 'users=150', '--set', 'items=60'];
export const TINY_MODEL = [
  '--model',
  'autoifs',
  '--preset',
  'demo',
  '--set',
  'model.mlpDims=[16,8]',
  '--set',
  'model.embeddingDim=4',
  '--set',
  'train.searchEpochs=2',
  '--set',
  'train.maxEpochs=2',
];
