/**
 * Does the test of flows find what was planted? For each world: rows with planted noise flows, prepared, tested from labels.
 * Only the program's commands are used.
 *
 *   node scripts/flow-recovery.js OUT [--seeds 101,102,...] [--kinds default,weak,...]
 *
 * Writes OUT/result.json and prints a line for each world and a sum for each kind. A claim is a verdict "useless" on a flow that
 * carries something elsewhere; it is right where the flow was planted as noise in the cell.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tributary } from './command.js';

/** Options of a world by kind: rows, then `--set` entries; `vary` draws the rest from the seed. */
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
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '101,102,103,104,105' },
    kinds: { type: 'string', default: Object.keys(KINDS).join(',') },
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

function ofWorld(kind, seed) {
  const { rows, set, vary } = KINDS[kind];
  const folder = join(out, `${kind}-${seed}`);
  const [world, data] = ['world', 'data'].map((name) => join(folder, name));
  rmSync(folder, { recursive: true, force: true });
  const options = [...set, ...(vary ? drawn(seed) : [])].flatMap((entry) => ['--set', entry]);
  const sizes = ['--rows', String(rows), '--seed', String(seed)];
  tributary('prepare', 'synthetic', ...sizes, ...options, '--source', world, '--out', data);
  const { flows, fields } = JSON.parse(tributary('flows', '--test', data, '--json'));
  const { truth } = JSON.parse(readFileSync(join(world, 'synthetic-truth.json'), 'utf8'));
  const planted = new Set(
    truth.cells.flatMap((cell) =>
      cell.flows.filter(({ noise }) => noise).map(({ flow }) => `${cell.scenario}/${cell.task}/${flow}`),
    ),
  );
  const exists = [0, 1, 2, 3].map((k) => fields.some(({ reads }) => reads[k]));
  const claims = flows
    .filter(({ verdict, flow }) => verdict === 'useless' && exists[flow - 1])
    .map(({ scenario, task, flow }) => `${scenario}/${task}/${flow}`);
  const right = claims.filter((claim) => planted.has(claim)).length;
  const wrongFields = fields.filter(({ field, reads }) =>
    truth.flows.some((flow, k) => reads[k] !== (flow.userField === field || flow.itemField === field)),
  ).length;
  rmSync(folder, { recursive: true, force: true });
  return {
    kind,
    seed,
    planted: planted.size,
    right,
    wrong: claims.length - right,
    wrongFields,
    others: flows.length - planted.size,
  };
}

mkdirSync(out, { recursive: true });
const results = [];
for (const kind of values.kinds.split(','))
  for (const seed of values.seeds.split(',').map(Number)) {
    const one = ofWorld(kind, seed);
    results.push(one);
    console.log(
      `${kind} ${seed}: ${one.right} of ${one.planted} found, ${one.wrong} false of ${one.others}, ${one.wrongFields} fields wrong`,
    );
  }
const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);
const line = (label, rows) => ({
  kind: label,
  worlds: rows.length,
  planted: sum(rows, 'planted'),
  found: sum(rows, 'right'),
  false: sum(rows, 'wrong'),
  others: sum(rows, 'others'),
});
const table = [
  ...values.kinds.split(',').map((kind) =>
    line(
      kind,
      results.filter((row) => row.kind === kind),
    ),
  ),
  line('all', results),
];
console.table(table);
writeFileSync(join(out, 'result.json'), `${JSON.stringify({ table, worlds: results }, undefined, 1)}\n`);
