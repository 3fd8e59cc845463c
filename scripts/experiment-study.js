/**
 * Does a ramp end as it should? Simulated users ask a real service, over HTTP; `tributary experiment ramp` works through its steps by
 * what the service logged. Only the program's commands are used.
 *
 *   node scripts/experiment-study.js OUT [--seeds 10] [--first 1] [--cases better,worse,equal,fault] [--users 4000] [--requests 2] [--days 5]
 *
 * Four cases, each with its own control: a model of few rows. `better`: the same model of 15 times the rows. `worse`: a model that
 * learned other tastes. `equal`: the same artifact in both arms. `fault`: the same, and the treatment loses 2 % of its users before they
 * ask. Seeds differ in who asks for what, in what users do, and in who is in which arm. Two days before the experiment, then at most
 * `--days` with a look at the end of each. `--requests`: of a user in a day, on average.
 *
 * Writes OUT/result.json after each ramp and keeps what is there: a study can be made in parts. Prints a line for each ramp and one for
 * each case.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { PROGRAM, tributary } from './command.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '10' },
    first: { type: 'string', default: '1' },
    cases: { type: 'string', default: 'better,worse,equal,fault' },
    users: { type: 'string', default: '4000' },
    requests: { type: 'string', default: '2' },
    days: { type: 'string', default: '5' },
    keep: { type: 'boolean', default: false },
  },
});
if (positionals.length !== 1) throw new Error('expected one folder: node scripts/experiment-study.js OUT');
const [out] = positionals;
const [users, perUser, mostDays] = [values.users, values.requests, values.days].map(Number);

const MODELS = { control: { rows: 4000 }, better: { rows: 60_000 }, worse: { rows: 30_000, tastes: 1 } };
/** The treatment's model, and which decisions are right. */
const CASES = {
  better: { model: 'better', right: ['ship'] },
  worse: { model: 'worse', right: ['roll back'] },
  equal: { model: 'control', right: ['go on', 'no difference'] },
  fault: { model: 'control', right: ['broken'], lose: 0.02 },
};
const DAY = 86_400_000;
/** The first simulated day. */
const START = Date.UTC(2024, 0, 31);
const DAYS_BEFORE = 2;
const KEY = 'flows';
const ADMIN = 'study';
process.env.STUDY_ADMIN = ADMIN;

const experiment = (seed) => ({
  key: KEY,
  seed: `study ${seed}`,
  unit: 'user_id',
  arms: { control: {}, treatment: { model: 'candidate' } },
  coverage: 0.2,
  metrics: {
    success: [{ metric: 'click', margin: '3%' }],
    guardrails: [
      { metric: 'like per unit', margin: '20%' },
      { metric: 'error_rate', margin: 0.01 },
    ],
  },
  ramp: { steps: [0.2, 1], hold: '24h', units: 150 },
});

const world = join(out, 'world-control');
const artifactOf = (name) => join(out, 'artifacts', name);

/** Trains and exports what is not there. */
function makeModel(name) {
  if (existsSync(artifactOf(name))) return;
  const { rows, tastes } = MODELS[name];
  const [source, data, run] = [`world-${name}`, `data-${name}`, `run-${name}`].map((folder) => join(out, folder));
  const sets = [`users=${users}`, 'items=200', ...(tastes === undefined ? [] : [`tastes=${tastes}`])];
  const options = sets.flatMap((set) => ['--set', set]);
  tributary(
    'prepare',
    'synthetic',
    '--rows',
    String(rows),
    '--seed',
    '7',
    ...options,
    '--source',
    source,
    '--out',
    data,
  );
  const training = ['--threads', '1', '--yardsticks', 'none', '--set', 'train.maxEpochs=6'];
  tributary('train', '--data', data, '--model', 'shared-bottom', '--out', run, ...training);
  tributary('export', run, '--out', artifactOf(name), '--name', 'shop');
}

/** Runs `use` with the address of a service that logs into `folder`: users get the control, an experiment may give them the candidate. */
async function withService(folder, candidate, use) {
  const config = {
    adminKeys: [{ name: 'study', sha256: createHash('sha256').update(ADMIN).digest('hex') }],
    log: { level: 'error' },
    ownThread: false,
    events: { folder: join(folder, 'events'), unit: 'user_id', unshown: 0, fields: 'none', clock: 'requests' },
    experimentsFile: join(folder, 'experiments.json'),
  };
  const file = join(folder, 'serving.json');
  writeFileSync(file, JSON.stringify(config));
  const words = [
    'serve',
    `shop=${artifactOf('control')}`,
    `candidate=${artifactOf(candidate)}`,
    '--port',
    '0',
    '--config',
    file,
    '--json',
  ];
  const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const line = await new Promise((done, fail) => {
      createInterface(child.stdout).once('line', done);
      child.once('exit', (code) => fail(new Error(`the service ended with code ${code}`)));
    });
    return await use(JSON.parse(line).address);
  } finally {
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await ended;
  }
}

/** One day of users; gives what the world expects of the lists of each arm. */
function simulate(folder, url, seed, lose) {
  const sizes = ['--requests', String(users * perUser), '--candidates', '6', '--show', '3'];
  const state = ['--state', join(folder, 'users.json'), '--seed', String(seed)];
  const loss = lose === undefined ? [] : ['--lose', `${KEY}/treatment=${lose}`];
  return JSON.parse(tributary('simulate', world, '--url', url, ...sizes, ...state, ...loss, '--json'));
}

/** Two days of users whom the control serves; all cases of a seed go on from there. */
async function before(seed) {
  const folder = join(out, `seed-${seed}`, 'before');
  if (existsSync(join(folder, 'done'))) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await withService(folder, 'control', (url) => {
    for (let day = 0; day < DAYS_BEFORE; day++) simulate(folder, url, seed);
  });
  writeFileSync(join(folder, 'done'), '');
  return folder;
}

async function rampOf(name, seed) {
  const began = Date.now();
  const folder = join(out, `seed-${seed}`, name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(await before(seed), folder, { recursive: true });
  const { model, right, lose } = CASES[name];
  const found = await withService(folder, model, async (url) => {
    const body = JSON.stringify({ experiment: experiment(seed) });
    const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/admin/experiments/${KEY}`, { method: 'PUT', headers, body });
    if (!answer.ok) throw new Error(await answer.text());
    const words = ['--url', url, '--admin-key', 'env:STUDY_ADMIN', '--key', KEY, '--folder', join(folder, 'ramp')];
    const look = (day) => {
      const now = new Date(START + (DAYS_BEFORE + day) * DAY).toISOString();
      return JSON.parse(tributary('experiment', 'ramp', join(folder, 'events'), ...words, '--now', now, '--json'));
    };
    look(0);
    const arms = [];
    for (let day = 1; ; day++) {
      arms.push(...(simulate(folder, url, seed, lose).arms ?? []));
      const { isOver, ramp, report } = look(day);
      if (isOver || day === mostDays) return { day, ramp, report, isOver, arms };
    }
  });
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
  return { ...recordOf(found, right), case: name, seed, seconds: Math.round((Date.now() - began) / 1000) };
}

function recordOf({ day, ramp, report, isOver, arms }, right) {
  const last = ramp.records.at(-1);
  const sentence = isOver ? last.sentence : `${report.treatments[0].arm}: ${report.treatments[0].sentence}`;
  const ended = isOver ? last.decision : report.treatments[0].decision;
  const decision = sentence.startsWith('broken') ? 'broken' : ended;
  return {
    decision,
    isRight: right.includes(decision),
    days: day,
    steps: ramp.records.map(({ coverage }) => coverage),
    units: Object.fromEntries(report.arms.map(({ arm, units }) => [arm, units])),
    truth: Object.fromEntries(
      ['control', 'treatment'].map((arm) => [arm, meanOf(arms.filter((one) => one.arm === arm))]),
    ),
    sentence,
  };
}

/** What the world expects of a list of an arm. */
function meanOf(parts) {
  const requests = parts.reduce((sum, part) => sum + part.requests, 0);
  return requests === 0 ? null : parts.reduce((sum, { requests: n, shown }) => sum + n * shown, 0) / requests;
}

/** A line for each case. */
function tableOf(ramps) {
  return Object.keys(CASES).flatMap((name) => {
    const own = ramps.filter((ramp) => ramp.case === name);
    if (own.length === 0) return [];
    const counts = {};
    for (const { decision } of own) counts[decision] = (counts[decision] ?? 0) + 1;
    const mean = (of) => own.reduce((sum, ramp) => sum + of(ramp), 0) / own.length;
    return {
      case: name,
      seeds: own.length,
      right: own.filter(({ isRight }) => isRight).length,
      decisions: Object.entries(counts)
        .map(([decision, n]) => `${decision} ${n}`)
        .join(', '),
      days: Number(mean(({ days }) => days).toFixed(2)),
      units: Math.round(mean(({ units }) => units.control + units.treatment)),
      'true effect': `${(100 * mean(({ truth }) => truth.treatment / truth.control - 1)).toFixed(1)} %`,
    };
  });
}

mkdirSync(out, { recursive: true });
const file = join(out, 'result.json');
const names = values.cases.split(',');
for (const name of names) if (!(name in CASES)) throw new Error(`--cases ${name}: expected ${Object.keys(CASES)}`);
for (const name of Object.keys(MODELS)) makeModel(name);
let ramps = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).ramps : [];
for (let seed = Number(values.first); seed < Number(values.first) + Number(values.seeds); seed++) {
  for (const name of names) {
    const ramp = await rampOf(name, seed);
    ramps = [...ramps.filter((other) => other.case !== name || other.seed !== seed), ramp];
    const document = { users, requestsADay: users * perUser, mostDays, table: tableOf(ramps), ramps };
    writeFileSync(`${file}.partial`, `${JSON.stringify(document, undefined, 1)}\n`);
    renameSync(`${file}.partial`, file);
    console.log(
      `${name} ${seed}: ${ramp.decision} after ${ramp.days} days (${ramp.steps.join(', ')}), ${ramp.seconds} s`,
    );
  }
  if (!values.keep) rmSync(join(out, `seed-${seed}`), { recursive: true, force: true });
}
console.table(tableOf(ramps));
