/**
 * Does the test of flows find what was planted? For each world: rows with planted noise flows, prepared, tested from labels or from
 * the answers of short trainings. Only the program's commands are used.
 *
 *   node scripts/flow-recovery.js OUT [--seeds 101,102,...] [--kinds default,weak,...] [--from mmoe,star,...] [--rows N]
 *     [--set train.maxEpochs=8] [--keep]
 *
 * Writes OUT/result.json after every world, prints a line for each and a sum for each kind, or for each model. Results of other worlds
 * that OUT/result.json has stay in it, so a study can be made in parts. `--set` gives options of the trainings. `--keep` leaves worlds and runs in OUT and uses those that are
 * there: the test can be repeated without training. A claim is a verdict "useless"; it is right where the flow was planted as noise in
 * the cell. A flow that is declared absent by mistake is a false claim in each cell.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tributary } from './command.js';
import { writeOverlap } from './overlap-world.js';

/** Options of a world by kind: rows, then `--set` entries; `vary` draws the rest from the seed, `only` keeps these fields. */
const KINDS = {
  default: { rows: 200_000, set: [] },
  random: { rows: 100_000, set: [], vary: true },
  wide: { rows: 120_000, set: ['scenarios=4'] },
  weak: { rows: 200_000, set: ['strengths=[0.5,0.4,0.3,0.3]'] },
  small: { rows: 50_000, set: [] },
  tasks: { rows: 200_000, set: ['scenarios=4', 'tasks=3'] },
  labels: { rows: 200_000, set: ['noise=0.3'] },
  funnel: { rows: 300_000, set: ['funnel=true'] },
  none: { rows: 100_000, set: ['noiseFlows=[]'] },
  ids: { rows: 100_000, set: [], only: ['user_id', 'item_id'] },
  overlap: { rows: 100_000 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '201,202,203,204,205' },
    kinds: { type: 'string', default: Object.keys(KINDS).join(',') },
    from: { type: 'string', default: 'labels' },
    rows: { type: 'string' },
    set: { type: 'string', multiple: true, default: ['train.maxEpochs=8'] },
    keep: { type: 'boolean', default: false },
  },
});
if (positionals.length !== 1) throw new Error('expected one folder: node scripts/flow-recovery.js OUT');
const [out] = positionals;

/** Scenarios 2 to 5, tasks 2 or 3, strengths 0.3 to 1.2. */
function drawn(seed) {
  const part = (n) => ((Math.imul(seed, 2654435761) >>> 0) / 2 ** n) % 1;
  const strengths = [9, 13, 17, 21].map((n) => (0.3 + 0.9 * part(n)).toFixed(2));
  return [`scenarios=${2 + (seed % 4)}`, `tasks=${2 + (seed % 2)}`, `strengths=[${strengths}]`];
}

/** Prepares a world, if its folder is empty; gives what was planted in it. */
function prepareWorld(kind, seed, world, data) {
  const { set, vary, only } = KINDS[kind];
  const rows = values.rows ?? KINDS[kind].rows;
  const isThere = existsSync(join(data, 'manifest.json'));
  if (kind === 'overlap') {
    const { config, planted } = writeOverlap(world, { rows: Number(rows), seed });
    if (!isThere) tributary('prepare', config, '--out', data);
    return { planted: new Set(planted), flows: undefined };
  }
  const options = [...set, ...(vary ? drawn(seed) : [])].flatMap((entry) => ['--set', entry]);
  const sizes = ['--rows', String(rows), '--seed', String(seed)];
  if (!isThere) {
    tributary('prepare', 'synthetic', ...sizes, ...options, '--source', world, '--out', data);
    if (only !== undefined) keepFields(only, world, data);
  }
  const { truth } = JSON.parse(readFileSync(join(world, 'synthetic-truth.json'), 'utf8'));
  const noise = truth.cells.flatMap((cell) =>
    cell.flows.filter(({ noise }) => noise).map(({ flow }) => `${cell.scenario}/${cell.task}/${flow}`),
  );
  return { planted: new Set(noise), flows: only === undefined ? truth.flows : undefined };
}

/** Prepares the data again with these fields alone. */
function keepFields(only, world, data) {
  const { config } = JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8'));
  const fields = config.fields.filter(({ name }) => only.includes(name) || name === 'scenario');
  const path = join(world, 'only.json');
  writeFileSync(path, JSON.stringify({ ...config, fields }));
  rmSync(data, { recursive: true });
  tributary('prepare', path, '--out', data);
}

/** Trains a model; gives its run. */
function trained(model, seed, folder, data) {
  const run = join(folder, model);
  if (existsSync(join(run, 'report.md'))) return run;
  const preset = model === 'autoifs' ? ['--preset', 'demo'] : [];
  const options = ['--seed', String(seed), '--threads', '1', ...preset, ...values.set.flatMap((one) => ['--set', one])];
  tributary('train', '--data', data, '--model', model, '--out', run, ...options);
  return run;
}

/** Claims against what was planted. */
function judged({ flows, fields }, { planted, flows: truth }) {
  const isUseless = ({ verdict }) => verdict === 'useless';
  const claims = flows.filter(isUseless).map(({ scenario, task, flow }) => `${scenario}/${task}/${flow}`);
  const right = claims.filter((claim) => planted.has(claim)).length;
  const reads = (field, k) => truth[k].userField === field || truth[k].itemField === field;
  const wrongFields = truth && fields.filter((f) => f.reads.some((is, k) => is !== reads(f.field, k))).length;
  return { planted: planted.size, right, wrong: claims.length - right, wrongFields: wrongFields ?? null };
}

function ofWorld(kind, seed) {
  const folder = join(out, `${kind}-${seed}`);
  const [world, data] = ['world', 'data'].map((name) => join(folder, name));
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const truth = prepareWorld(kind, seed, world, data);
  const found = values.from.split(',').map((from) => {
    const tested = from === 'labels' ? data : trained(from, seed, folder, data);
    const verdict = JSON.parse(tributary('flows', '--test', tested, '--json'));
    return { kind, seed, from, ...judged(verdict, truth), others: verdict.flows.length - truth.planted.size };
  });
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
  return found;
}

const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);
const line = (label, rows) => ({
  kind: label,
  worlds: new Set(rows.map(({ kind, seed }) => `${kind} ${seed}`)).size,
  planted: sum(rows, 'planted'),
  found: sum(rows, 'right'),
  false: sum(rows, 'wrong'),
  others: sum(rows, 'others'),
});

/** A line for each kind, or for each model. */
function tableOf(results) {
  const by = results.every(({ from }) => from === 'labels') ? 'kind' : 'from';
  const labels = [...new Set(results.map((row) => row[by]))];
  const own = (label) => results.filter((row) => row[by] === label);
  return [...labels.map((label) => line(label, own(label))), line('all', results)];
}

mkdirSync(out, { recursive: true });
const file = join(out, 'result.json');
let results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).worlds : [];
for (const kind of values.kinds.split(','))
  for (const seed of values.seeds.split(',').map(Number))
    for (const one of ofWorld(kind, seed)) {
      const isSame = (other) => other.kind === kind && other.seed === seed && other.from === one.from;
      results = [...results.filter((other) => !isSame(other)), one];
      writeFileSync(
        `${file}.partial`,
        `${JSON.stringify({ table: tableOf(results), worlds: results }, undefined, 1)}\n`,
      );
      renameSync(`${file}.partial`, file);
      console.log(
        `${kind} ${seed} ${one.from}: ${one.right} of ${one.planted} found, ${one.wrong} false of ${one.others}, fields wrong: ${one.wrongFields ?? '-'}`,
      );
    }
console.table(tableOf(results));
