/**
 * Does the test of flows find what was planted? For each world: rows with planted noise flows, prepared, tested from labels or from
 * the answers of short trainings. Only the program's commands are used.
 *
 *   node scripts/flow-recovery.js OUT [--seeds 101,102,...] [--kinds default,weak,...] [--from mmoe,star,...]
 *
 * Writes OUT/result.json and prints a line for each world and a sum for each kind. A claim is a verdict "useless"; it is right where
 * the flow was planted as noise in the cell. A flow that is declared absent by mistake is a false claim in each cell.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** Prepares a world; gives what was planted in it. */
function prepareWorld(kind, seed, world, data) {
  const { rows, set, vary, only } = KINDS[kind];
  if (kind === 'overlap') {
    const { config, planted } = writeOverlap(world, { rows, seed });
    tributary('prepare', config, '--out', data);
    return { planted: new Set(planted), flows: undefined };
  }
  const options = [...set, ...(vary ? drawn(seed) : [])].flatMap((entry) => ['--set', entry]);
  const sizes = ['--rows', String(rows), '--seed', String(seed)];
  tributary('prepare', 'synthetic', ...sizes, ...options, '--source', world, '--out', data);
  if (only !== undefined) {
    const { config } = JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8'));
    const fields = config.fields.filter(({ name }) => only.includes(name) || name === 'scenario');
    const path = join(world, 'only.json');
    writeFileSync(path, JSON.stringify({ ...config, fields }));
    rmSync(data, { recursive: true });
    tributary('prepare', path, '--out', data);
  }
  const { truth } = JSON.parse(readFileSync(join(world, 'synthetic-truth.json'), 'utf8'));
  const noise = truth.cells.flatMap((cell) =>
    cell.flows.filter(({ noise }) => noise).map(({ flow }) => `${cell.scenario}/${cell.task}/${flow}`),
  );
  return { planted: new Set(noise), flows: only === undefined ? truth.flows : undefined };
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
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const truth = prepareWorld(kind, seed, world, data);
  const results = values.from.split(',').map((from) => {
    let tested = data;
    if (from !== 'labels') {
      tested = join(folder, from);
      const epochs = ['--set', 'train.maxEpochs=8'];
      tributary(
        'train',
        '--data',
        data,
        '--model',
        from,
        '--seed',
        String(seed),
        '--threads',
        '1',
        '--out',
        tested,
        ...epochs,
      );
    }
    const verdict = JSON.parse(tributary('flows', '--test', tested, '--json'));
    return { kind, seed, from, ...judged(verdict, truth), others: verdict.flows.length - truth.planted.size };
  });
  rmSync(folder, { recursive: true, force: true });
  return results;
}

mkdirSync(out, { recursive: true });
const results = [];
for (const kind of values.kinds.split(','))
  for (const seed of values.seeds.split(',').map(Number))
    for (const one of ofWorld(kind, seed)) {
      results.push(one);
      console.log(
        `${kind} ${seed} ${one.from}: ${one.right} of ${one.planted} found, ${one.wrong} false of ${one.others}, fields wrong: ${one.wrongFields ?? '-'}`,
      );
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
const by = values.from === 'labels' ? 'kind' : 'from';
const labels = [...new Set(results.map((row) => row[by]))];
const table = [
  ...labels.map((label) =>
    line(
      label,
      results.filter((row) => row[by] === label),
    ),
  ),
  line('all', results),
];
console.table(table);
writeFileSync(
  join(out, 'result.json'),
  `${JSON.stringify({ from: values.from, table, worlds: results }, undefined, 1)}\n`,
);
