// What a training without options reaches, against yardsticks: `tributary train --data DATA`, one thread, several seeds.
//
//   npm run build && node scripts/choice-study.js NAME=DATA ... [--seed N] [--budget TIME] [--out FILE]
//   node scripts/choice-study.js --table [--out FILE]
//
// DATA is a prepared folder. Each training, and each fit of the yardsticks alone, is a process of one thread and adds a line to FILE
// (default: RESULT below); what FILE has is not run again, so that an interrupted study goes on. --table
// prints what has been measured, and writes it into result.json beside FILE, from which docs/reproduction.md has its table.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const RESULT = 'reproduction/results/choice/runs.jsonl';
const SEEDS = [1, 2, 3];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    budget: { type: 'string' },
    out: { type: 'string', default: RESULT },
    table: { type: 'boolean', default: false },
  },
});

const parsed = (text) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
const lines = () => (existsSync(values.out) ? parsed(readFileSync(values.out, 'utf8')) : []);

/** Runs a command; gives its lines of JSON and the processor seconds of the whole process. */
function timed(args) {
  const shell = ['-c', 'TIMEFORMAT="%U %S"; time node "$@"', 'bash', ...args];
  const { status, stdout, stderr } = spawnSync('bash', shell, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with code ${status}:\n${stderr}`);
  const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { events: parsed(stdout), processorSeconds: user + system };
}

/** Test AUC and processor seconds of logistic regression and trees, fitted to the data alone. */
function yardsticks(data) {
  const { events } = timed(['scripts/yardsticks.js', '--json', data]);
  return Object.fromEntries(events.map(({ key, auc, processorSeconds }) => [key, { auc, processorSeconds }]));
}

function trained(data, seed) {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-choice-'));
  try {
    const options = ['--data', data, '--threads', '1', '--seed', String(seed), '--out', join(folder, 'run'), '--json'];
    if (values.budget !== undefined) options.push('--budget', values.budget);
    const { events, processorSeconds } = timed(['bin/tributary.js', 'train', ...options]);
    const choice = events.find(({ event }) => event === 'choice');
    const result = events.find(({ event }) => event === 'result');
    const logs = parsed(readFileSync(join(folder, 'run', 'timings.jsonl'), 'utf8'));
    return {
      rows: choice.rows.train,
      chosen: choice.chosen,
      because: choice.because,
      budget: choice.budget,
      candidates: choice.candidates.map(({ model, passes, price, seconds, grid }) => ({
        model,
        passes,
        price,
        seconds,
        validation: grid?.macro.auc,
      })),
      auc: result.macro.auc,
      logloss: result.macro.logloss,
      yardsticks: Object.fromEntries(result.yardsticks.measured.map(({ key, grid }) => [key, grid.macro.auc])),
      margin: result.yardsticks.margin,
      processorSeconds,
      trainingSeconds: Math.max(...logs.map((line) => line.processorSeconds ?? 0)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function study() {
  mkdirSync(dirname(values.out), { recursive: true });
  const add = (run) => appendFileSync(values.out, `${JSON.stringify(run)}\n`);
  for (const [name, data] of positionals.map((given) => given.split('='))) {
    if (!lines().some((run) => run.data === name && run.kind === 'yardsticks'))
      add({ data: name, kind: 'yardsticks', ...yardsticks(data) });
    for (const seed of values.seed === undefined ? SEEDS : [Number(values.seed)]) {
      if (lines().some((run) => run.data === name && run.kind === 'choice' && run.seed === seed)) continue;
      const run = { data: name, kind: 'choice', seed, ...trained(data, seed) };
      add(run);
      console.log(
        `${name}, seed ${seed}: ${run.chosen}, test AUC ${run.auc.toFixed(4)}, ${run.processorSeconds.toFixed(0)} CPU s`,
      );
    }
  }
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** By data set: mean test AUC over the seeds next to the best yardstick, and processor seconds of the whole command next to those of trees. */
function table() {
  const all = lines();
  const rows = [...new Set(all.map(({ data }) => data))].flatMap((data) => {
    const runs = all.filter((run) => run.kind === 'choice' && run.data === data);
    if (runs.length === 0) return [];
    const [best, auc] = Object.entries(runs[0].yardsticks).sort(([, x], [, y]) => y - x)[0];
    const trees = all.find((run) => run.kind === 'yardsticks' && run.data === data)?.trees.processorSeconds;
    return {
      data,
      seeds: runs.length,
      compared: [...new Set(runs.flatMap((run) => run.candidates.map(({ model }) => model)))],
      chosen: [...new Set(runs.map(({ chosen }) => chosen))],
      auc: { mean: mean(runs.map((run) => run.auc)), min: Math.min(...runs.map((run) => run.auc)) },
      best: { key: best, auc },
      processorSeconds: {
        command: mean(runs.map((run) => run.processorSeconds)),
        network: mean(runs.map((run) => run.trainingSeconds)),
        trees: trees ?? null,
      },
    };
  });
  writeFileSync(join(dirname(values.out), 'result.json'), `${JSON.stringify({ rows }, null, 2)}\n`);
  console.table(
    rows.map(({ data, seeds, auc, best, processorSeconds: { command, trees } }) => ({
      data,
      seeds,
      'test AUC': auc.mean.toFixed(4),
      'best yardstick': `${best.key} ${best.auc.toFixed(4)}`,
      difference: (auc.mean - best.auc).toFixed(4),
      'CPU s': command.toFixed(0),
      'of trees': trees?.toFixed(0),
    })),
  );
}

if (values.table) table();
else study();
