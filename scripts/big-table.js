/**
 * What does a large table cost on one machine? Makes rows with the hashed ids of many users, prepares them with a split by time, trains
 * one epoch and exports; of each command the time and the largest resident memory. Only the program's commands are used.
 *
 *   node scripts/big-table.js OUT [--table 50000000] [--rows 20000000] [--dimension 16] [--optimizer adam] [--batch 4096] [--average 0.998]
 *                                 [--ranks 2 --tables sharded]
 *
 * Writes OUT/result.json, or OUT/result-RANKS-TABLES.json; what OUT/data holds already is not made again. `anonymous` is resident memory that
 * no file stands for; tables (the embeddings, the moments of the optimiser, the average of the weights unless `--average 0`) and what each row
 * has besides are a part of it. Over ranks, both are the largest of any rank, and `ofRanks` are the resident ones of each. Linux only: it reads /proc.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROGRAM } from './command.js';
import { manyUsersConfig, SMALL_MODEL, writeManyUsers } from './many-users.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    table: { type: 'string', default: '50000000' },
    rows: { type: 'string', default: '20000000' },
    dimension: { type: 'string', default: '16' },
    optimizer: { type: 'string', default: 'adam' },
    batch: { type: 'string', default: '4096' },
    average: { type: 'string', default: '0.998' },
    memory: { type: 'string', default: '1GB' },
    ranks: { type: 'string', default: '1' },
    tables: { type: 'string', default: 'auto' },
    export: { type: 'boolean', default: false },
  },
});
if (positionals.length !== 1) throw new Error('expected one folder: node scripts/big-table.js OUT');
const [out] = positionals;
const [table, rows, dimension, ranks] = [values.table, values.rows, values.dimension, values.ranks].map(Number);
mkdirSync(out, { recursive: true });

/** A process and those that it started. */
function family(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return [pid, ...children.flatMap(family)];
  } catch {
    return [pid]; // it has just ended
  }
}

/** Largest resident memory of each process of a verb so far, in GB: all, and what no file stands for. */
function look(launcher, verb, largest) {
  for (const pid of family(launcher)) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[2] !== verb) continue; // a launcher
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const gb = (name) => (Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024) / 1e9;
      const before = largest.get(pid) ?? { resident: 0, anonymous: 0 };
      const [resident, anonymous] = [gb('VmHWM'), Math.max(before.anonymous, gb('RssAnon'))];
      largest.set(pid, { resident: Math.max(before.resident, resident), anonymous });
    } catch {
      // it has just ended
    }
  }
}

/** Runs a command, over ranks if there are several. Seconds, and the largest resident memory in GB of any of its processes. */
async function measured(ranks, ...words) {
  const started = performance.now();
  const all = ranks === 1 ? words : ['launch', '--ranks', ranks, '--', ...words];
  const child = spawn(process.execPath, [PROGRAM, ...all, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (piece) => {
    text += piece;
  });
  const largest = new Map();
  const looking = setInterval(() => look(child.pid, words[0], largest), 100);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(looking);
  if (code !== 0) throw new Error(`${words[0]} ended with code ${code}: ${text.slice(-2000)}`);
  const processes = [...largest.values()];
  const most = (what) => Math.max(...processes.map((process) => process[what]));
  const memory = { resident: most('resident'), anonymous: most('anonymous') };
  const ofRanks = ranks > 1 && { ofRanks: processes.map(({ resident }) => resident) };
  return { seconds: (performance.now() - started) / 1000, ...memory, ...ofRanks };
}

const result = { table, rows, dimension, optimizer: values.optimizer, average: Number(values.average) };
const file = ranks === 1 ? 'result.json' : `result-${ranks}-${values.tables}.json`;
const short = (n) => Number(n.toPrecision(4));
const keep = (name, found) => {
  result[name] = Object.fromEntries(
    Object.entries(found).map(([key, n]) => [key, Array.isArray(n) ? n.map(short) : short(n)]),
  );
  console.log(name, JSON.stringify(result[name]));
  writeFileSync(join(out, file), `${JSON.stringify(result, null, 2)}\n`);
};

const log = join(out, 'log.parquet');
if (!existsSync(log)) await writeManyUsers(log, { table, rows });
const config = join(out, 'data.json');
writeFileSync(config, JSON.stringify(manyUsersConfig('log.parquet', table)));
const data = join(out, 'data');
if (!existsSync(data)) {
  const prepared = await measured(1, 'prepare', config, '--out', data, '--memory-limit', values.memory);
  keep('prepare', { ...prepared, rowsPerSecond: rows / prepared.seconds });
}

const run = join(out, 'run');
rmSync(run, { recursive: true, force: true });
const settings = {
  'model.embeddingDim': dimension,
  'train.optimizer': values.optimizer,
  'train.batchSize': values.batch,
  'train.weightAverage': values.average,
  'train.maxEpochs': 1,
  'train.tables': values.tables,
};
const set = Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
const trained = await measured(ranks, 'train', '--data', data, ...SMALL_MODEL, '--out', run, '--threads', '1', ...set);
const timings = readFileSync(join(run, 'timings.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const moments = { adam: 2, adamw: 2, sgd: 0 }[values.optimizer];
const { rowsPerSecond } = timings.find((line) => line.rowsPerSecond !== undefined);
const copies = 1 + moments + Number(Number(values.average) > 0);
const perRow = 2 * 4; // a stamp, and what a row owes to decay
keep('train', { ...trained, rowsPerSecond, tables: (table * (dimension * 4 * copies + perRow)) / 1e9 });
keep('model', { fileGB: statSync(join(run, 'model.safetensors')).size / 1e9 });
if (values.export) {
  const artifact = join(out, 'artifact');
  rmSync(artifact, { recursive: true, force: true });
  keep('export', await measured(1, 'export', run, '--out', artifact));
}
