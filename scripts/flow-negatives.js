/**
 * What does not find flows, and what does not help. For each seed a synthetic world of its own, on which AutoIFS is trained twice: with all
 * flows kept, and with the planted truth as its gates.
 *
 *   node scripts/flow-negatives.js OUT [--rows 100000] [--seeds 81,82,83]
 *
 * Oracle gates: is the truth worth anything as gates? The difference of AUC, with a bootstrap over users of the test rows.
 * Naive ANOVA: does a decomposition of what the trained model answers find the noise? Its logits of validation rows under every scenario, f [S, T],
 * are split into their mean (flow 1), what differs by task (3), by scenario (4), and the rest (2). A flow is called noise in a cell where its share of
 * the variance of the cell's logits is below half of its median share over cells, as the flow test asks for half of the usual strength.
 *
 * Writes OUT/result.json after every world; worlds that are there are not made again.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openPrepared } from '../dist/data/prepared/open.js';
import { sampledLogits } from '../dist/export/select/sampled-logits.js';
import { tributary } from './command.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '100000' }, seeds: { type: 'string', default: '81,82,83' } },
});
if (positionals.length !== 1) throw new Error('expected one folder: node scripts/flow-negatives.js OUT');
const [out] = positionals;

const FLOWS = 4;
const [KEPT, ORACLE] = ['all kept', 'planted truth'];

async function ofSeed(seed) {
  const folder = join(out, seed);
  rmSync(folder, { recursive: true, force: true });
  const [source, data, results] = ['world', 'data', 'results'].map((name) => join(folder, name));
  tributary('prepare', 'synthetic', '--rows', values.rows, '--seed', seed, '--source', source, '--out', data);
  const { truth } = JSON.parse(readFileSync(join(source, 'synthetic-truth.json'), 'utf8'));
  const { scenarios, tasks, cells } = truth;
  const isNoise = (k, s, t) => cells[s * tasks.length + t].flows[k].noise;
  const table = Array.from({ length: FLOWS }, (_, k) =>
    scenarios.map((_, s) => tasks.map((_, t) => (isNoise(k, s, t) ? 0 : 1))),
  );
  const autoifs = (label, selection) => ({
    model: 'autoifs',
    preset: 'demo',
    label,
    options: { model: { selection } },
  });
  const config = join(folder, 'compare.json');
  const models = [autoifs(KEPT, 'keep'), autoifs(ORACLE, { table })];
  const common = { train: { searchEpochs: 1, rewindEpoch: 0, maxEpochs: 30 }, yardsticks: 'none' };
  writeFileSync(config, JSON.stringify({ data, models, seeds: [1], baseline: KEPT, common, threads: 1 }));
  tributary('compare', config, '--out', results, '--workers', '1', '--json');
  const oracle = oracleOf(results);
  const shares = sharesOf(await logitsOf(runOf(results), data), scenarios.length, tasks.length);
  const anova = judged(shares, table);
  rmSync(folder, { recursive: true, force: true });
  return { seed: Number(seed), rows: Number(values.rows), oracle, anova };
}

function oracleOf(results) {
  const [{ models, tests }] = JSON.parse(readFileSync(join(results, 'result.json'), 'utf8')).datasets;
  const auc = (label) => models.find(({ model }) => model === label).macro.auc.mean;
  const { difference, low, high } = tests.find(({ model }) => model === ORACLE).macro.bootstrap;
  return { kept: auc(KEPT), oracle: auc(ORACLE), difference, low, high };
}

/** The run that keeps all flows. */
function runOf(results) {
  const runs = readdirSync(results, { recursive: true }).filter((path) => path.endsWith('run.json'));
  const isKept = (path) => JSON.parse(readFileSync(join(results, path), 'utf8')).config.model.selection === 'keep';
  return join(results, runs.find(isKept), '..');
}

/** [N, S, T] logits of validation rows under every scenario. The field `scenario` follows. */
async function logitsOf(run, folder) {
  const data = await openPrepared(folder);
  const { fields, scenarios, splits } = data.manifest;
  const S = scenarios.length;
  const slot = fields.findIndex(({ name }) => name === 'scenario'); // one slot for each field
  const own = await scenarioIds(data, slot, S);
  const under = (batch, s) => {
    const ids = batch.ids.slice();
    const slots = ids.length / batch.size;
    if (slot >= 0) for (let row = 0; row < batch.size; row++) ids[row * slots + slot] = own[s];
    return { ...batch, ids, scenario: new Int32Array(batch.size).fill(s) };
  };
  const variants = (batch) => Array.from({ length: S }, (_, s) => under(batch, s));
  return sampledLogits(run, data, { rows: splits.validation.rows, seed: 1 }, variants);
}

/** The id of each scenario in its field. */
async function scenarioIds(data, slot, S) {
  const ids = new Int32Array(S);
  const reader = await data.open('validation');
  for await (const batch of reader.batches({ batchSize: 4096 })) {
    const slots = batch.ids.length / batch.size;
    for (let row = 0; row < batch.size; row++) ids[batch.scenario[row]] = batch.ids[row * slots + slot];
  }
  await reader.close();
  return ids;
}

/** [4][S][T] share of the variance of a cell's logits that each flow of the decomposition explains. */
function sharesOf(logits, S, T) {
  const C = S * T;
  const n = logits.length / C;
  const means = Array.from({ length: C }, (_, c) => averageOf(n, (row) => logits[row * C + c]));
  const [variance, carried] = [new Float64Array(C), new Float64Array(FLOWS * C)];
  for (let row = 0; row < n; row++) {
    const f = means.map((mean, c) => logits[row * C + c] - mean);
    const all = averageOf(C, (c) => f[c]);
    const ofTask = Array.from({ length: T }, (_, t) => averageOf(S, (s) => f[s * T + t]) - all);
    const ofScenario = Array.from({ length: S }, (_, s) => averageOf(T, (t) => f[s * T + t]) - all);
    for (let c = 0; c < C; c++) {
      const [a, b] = [ofTask[c % T], ofScenario[Math.floor(c / T)]];
      const parts = [all, f[c] - all - a - b, a, b];
      variance[c] += f[c] ** 2;
      for (let k = 0; k < FLOWS; k++) carried[k * C + c] += parts[k] * f[c];
    }
  }
  const at = (k, s, t) => carried[k * C + s * T + t] / variance[s * T + t];
  return Array.from({ length: FLOWS }, (_, k) =>
    Array.from({ length: S }, (_, s) => Array.from({ length: T }, (_, t) => at(k, s, t))),
  );
}

function averageOf(count, of) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += of(i);
  return sum / count;
}

/** Claims "noise" against the truth (0: planted as noise). */
function judged(shares, table) {
  const lines = shares.flatMap((of, k) => {
    const sorted = of.flat().sort((a, b) => a - b);
    const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
    return of.flatMap((row, s) =>
      row.map((share, t) => ({ isClaimed: share < median / 2, isNoise: table[k][s][t] === 0 })),
    );
  });
  const count = (which) => lines.filter(which).length;
  return {
    planted: count(({ isNoise }) => isNoise),
    found: count(({ isClaimed, isNoise }) => isClaimed && isNoise),
    false: count(({ isClaimed, isNoise }) => isClaimed && !isNoise),
    others: count(({ isNoise }) => !isNoise),
  };
}

mkdirSync(out, { recursive: true });
const file = join(out, 'result.json');
let worlds = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).worlds : [];
for (const seed of values.seeds.split(',')) {
  if (worlds.some((world) => world.seed === Number(seed))) continue;
  const world = await ofSeed(seed);
  worlds = [...worlds, world].sort((a, b) => a.seed - b.seed);
  writeFileSync(`${file}.partial`, `${JSON.stringify({ worlds }, undefined, 1)}\n`);
  renameSync(`${file}.partial`, file);
  const { oracle, anova } = world;
  const [difference, low, high] = [oracle.difference, oracle.low, oracle.high].map((value) => value.toFixed(4));
  console.log(
    `world ${seed}: oracle gates ${oracle.oracle.toFixed(4)}, all kept ${oracle.kept.toFixed(4)}: ${difference} [${low}, ${high}]; ANOVA: ${anova.found} of ${anova.planted} found, ${anova.false} false of ${anova.others}`,
  );
}
