/**
 * Are two ranks on one machine faster than one process with two threads? Trains both in alternation, for one epoch each, and compares rows a
 * second of their steps.
 *
 *   node scripts/rank-speed.js OUT --data data/ml-1m [--rounds 3] [--mpirun mpirun]    AutoIFS, preset ml-1m, search
 *   node scripts/rank-speed.js OUT --table 20000000 [--rows 1000000] [--rounds 3]      a small model with a large table, Adam
 *
 * --tables replicated,sharded trains two ranks with each kind in turn; default: as `auto` decides. Writes OUT/result.json: rows a second of
 * steps, and seconds from the first step to the checkpoint of the epoch, validation included. Ratios are medians over rounds. A table of 20
 * million rows x 16 takes 3.8 GB in each process that holds it whole.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { twoCopies } from '../dist/bench/copies.js';
import { PROGRAM, tributary } from './command.js';
import { manyUsersConfig, SMALL_MODEL, writeManyUsers } from './many-users.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    table: { type: 'string' },
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    tables: { type: 'string', default: 'auto' },
    mpirun: { type: 'string', default: 'mpirun' },
  },
});
if (positionals.length !== 1 || (values.data === undefined) === (values.table === undefined))
  throw new Error('expected one folder, and --data or --table: node scripts/rank-speed.js OUT --data data/ml-1m');
const [out] = positionals;
mkdirSync(out, { recursive: true });

/** Prepared rows, and what trains on them. */
async function workload() {
  if (values.data !== undefined) return ['--data', values.data, '--model', 'autoifs', '--preset', 'ml-1m'];
  const [table, rows] = [Number(values.table), Number(values.rows)];
  const data = join(out, 'data');
  if (!existsSync(data)) {
    const log = join(out, 'log.parquet');
    await writeManyUsers(log, { table, rows });
    writeFileSync(join(out, 'data.json'), JSON.stringify(manyUsersConfig('log.parquet', table)));
    tributary('prepare', join(out, 'data.json'), '--out', data);
  }
  const set = ['model.embeddingDim=16', 'train.optimizer=adam', 'train.batchSize=4096', 'train.weightAverage=0'];
  return ['--data', data, ...SMALL_MODEL, ...set.flatMap((option) => ['--set', option])];
}

/** Speed of the first epoch; then the training is stopped. */
function firstEpoch(words) {
  const run = join(out, 'run');
  rmSync(run, { recursive: true, force: true });
  const all = [PROGRAM, ...words, '--out', run, '--yardsticks', 'none', '--json'];
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, remarks, started, found] = ['', '', 0, undefined];
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    remarks += piece;
  });
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    const lines = (text + piece).split('\n');
    text = lines.pop();
    for (const line of lines) {
      const event = JSON.parse(line);
      if (event.event === 'phase') started = performance.now();
      if (event.event !== 'epoch' || found !== undefined) continue;
      found = { rowsPerSecond: event.rowsPerSecond, seconds: (performance.now() - started) / 1000 };
      child.kill('SIGINT');
    }
  });
  return new Promise((done, fail) => {
    child.on('close', (code) => {
      rmSync(run, { recursive: true, force: true });
      if (found === undefined)
        fail(new Error(`tributary ${words.join(' ')} ended with code ${code} before its first epoch did\n${remarks}`));
      else done(found);
    });
  });
}

const train = ['train', ...(await workload())];
const TWO = ['launch', '--mpirun', values.mpirun, '--ranks', '2', '--', ...train, '--threads', '1'];
const KINDS = {
  'one process, 2 threads': [...train, '--threads', '2'],
  ...Object.fromEntries(
    values.tables.split(',').map((kind) => [`2 ranks, ${kind}`, [...TWO, '--set', `train.tables=${kind}`]]),
  ),
};
const [ONE, ...OVER_RANKS] = Object.keys(KINDS);
const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
};

const rounds = [];
const ratioOf = (kind) => median(rounds.map((round) => round[kind].rowsPerSecond / round[ONE].rowsPerSecond));
for (let round = 0; round < Number(values.rounds); round++) {
  const copies = await twoCopies();
  const names = round % 2 === 0 ? Object.keys(KINDS) : Object.keys(KINDS).toReversed();
  const found = {};
  for (const name of names) found[name] = await firstEpoch(KINDS[name]);
  rounds.push({ ...found, twoCopies: copies });
  const result = {
    workload: values.data === undefined ? `table of ${values.table} rows x 16` : 'AutoIFS ml-1m, search',
    cores: availableParallelism(),
    mpirun: values.mpirun,
    rounds,
    ratios: Object.fromEntries(OVER_RANKS.map((kind) => [kind, ratioOf(kind)])),
  };
  for (const [name, { rowsPerSecond, seconds }] of Object.entries(found))
    console.log(
      `${name}: ${rowsPerSecond.toFixed(0)} rows/s, ratio ${(rowsPerSecond / found[ONE].rowsPerSecond).toFixed(3)}; epoch ${seconds.toFixed(1)} s`,
    );
  console.log(`two copies of a loop at once took ${copies.toFixed(2)} times as long as one`);
  writeFileSync(join(out, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
}
for (const kind of OVER_RANKS) console.log(`${kind}: median ratio ${ratioOf(kind).toFixed(3)}`);
