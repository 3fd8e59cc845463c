/**
 * What is the structure that the flow test finds worth? For each seed a synthetic world of its own; Streams, AutoIFS keeping all flows and
 * the zoo are trained on it with the same training options, and compared on its test rows. Only the program's commands are used.
 *
 *   node scripts/streams.js OUT [--rows 100000] [--seeds 41,42,...] [--set noise=0.3 ...] [--ablation] [--models streams,autoifs] [--by-data]
 *
 * `--by-data`: all models take the options that `train --model` takes from the data (`defaults: data` of a comparison). `--ablation` trains Streams with parts of the
 * verdict instead of the zoo. Each world leaves OUT/SEED.json; OUT/result.json has all that are there, so worlds may be added one by one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bayesAuc } from '../dist/data/synthetic/bayes.js';
import { createWorld, plantedTruth } from '../dist/data/synthetic/world.js';
import { tributary } from './command.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '100000' },
    seeds: { type: 'string', default: '41,42,43,44,45,46,47,48,49,50' },
    set: { type: 'string', multiple: true, default: [] },
    models: { type: 'string', default: 'streams,autoifs,star,mmoe,ple,shared-bottom' },
    ablation: { type: 'boolean', default: false },
    'by-data': { type: 'boolean', default: false },
  },
});
if (positionals.length !== 1) throw new Error('expected one folder: node scripts/streams.js OUT');
const [out] = positionals;

/** Of all models: what Streams starts from, so that no model wins by its training. */
const COMMON = { train: { learningRate: 2e-3, l2: 1e-5, batchSize: 512, patience: 3, maxEpochs: 30 } };
const start = values['by-data'] ? { defaults: 'data' } : { common: COMMON };
const KEEP_ALL = 'autoifs, all kept';

/** Entries of `tributary compare`. Without gates one search epoch is enough; AutoIFS has the sizes of its preset `demo`, or those that follow from the data. */
const SIZES = values['by-data'] ? {} : { embeddingDim: 16, mlpDims: [64, 32, 16], loraRank: 4 };
const entryOf = (key) =>
  key === 'autoifs'
    ? {
        model: key,
        label: KEEP_ALL,
        options: {
          model: { ...SIZES, selection: 'keep' },
          train: { searchEpochs: 1, rewindEpoch: 0 },
        },
      }
    : { model: key };

/** Streams with parts of the planted truth, which the test finds on these worlds. */
function ablation({ flows, cells, scenarios, tasks }, names) {
  const all = names;
  const own = flows.map(({ userField, itemField }) => [userField, itemField]);
  const useful = names.filter((name) => own.flat().includes(name));
  const open = flows.map(() => scenarios.map(() => tasks.map(() => 1)));
  const noise = (s, t, k) => cells[s * tasks.length + t].flows[k].noise;
  const closed = flows.map((_, k) => scenarios.map((_, s) => tasks.map((_, t) => (noise(s, t, k) ? 0 : 1))));
  const entry = (label, fields, cells) => ({
    model: 'streams',
    label,
    options: { model: { flows: { fields, cells } } },
  });
  const four = (fields) => flows.map(() => fields);
  return [
    entry('four streams, everything open', four(all), open),
    entry('noise cells closed', four(all), closed),
    entry('useful fields, no structure', four(useful), open),
    entry('fields per flow, cells open', own, open),
    entry('fields and cells', own, closed),
  ];
}

function ofSeed(seed) {
  const folder = join(out, seed);
  rmSync(folder, { recursive: true, force: true });
  const [source, data, results] = ['world', 'data', 'results'].map((name) => join(folder, name));
  const options = values.set.flatMap((entry) => ['--set', entry]);
  const sizes = ['--rows', values.rows, '--seed', seed];
  tributary('prepare', 'synthetic', ...sizes, ...options, '--source', source, '--out', data);
  const { truth } = JSON.parse(readFileSync(join(source, 'synthetic-truth.json'), 'utf8'));
  const world = createWorld({ seed: Number(seed), ...Object.fromEntries(values.set.map(pairOf)) });
  if (JSON.stringify(plantedTruth(world)) !== JSON.stringify(truth))
    throw new Error(`the world ${seed} is another one`);
  const names = JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8')).fields.map(({ name }) => name);
  const others = values.ablation ? ablation(truth, names) : [];
  const models = [...values.models.split(',').map(entryOf), ...others];
  const config = join(folder, 'compare.json');
  writeFileSync(
    config,
    JSON.stringify({ data, models, seeds: [1], baseline: KEEP_ALL, ...start, threads: 1, yardsticks: false }),
  );
  tributary('compare', config, '--out', results, '--workers', '1', '--json');
  const found = {
    seed: Number(seed),
    rows: Number(values.rows),
    set: values.set,
    bayes: mean(bayesAuc(world, { rows: 60_000 }).flat()),
    models: modelsOf(results),
    structure: structureOf(results),
  };
  rmSync(folder, { recursive: true, force: true });
  return found;
}

const pairOf = (entry) => {
  const [name, value] = entry.split('=');
  return [name, JSON.parse(value)];
};

/** AUC, its difference to keeping all with the interval of a bootstrap over users, and the cost of each model. */
function modelsOf(results) {
  const { datasets } = JSON.parse(readFileSync(join(results, 'result.json'), 'utf8'));
  const { models: times } = JSON.parse(readFileSync(join(results, 'times.json'), 'utf8'));
  const [{ models, tests }] = datasets;
  return models.map(({ model, macro, cells, denseParameters, multiplyAddsPerRow, failed }) => {
    if (failed.length > 0) throw new Error(`${model} failed`);
    const test = tests.find((of) => of.model === model)?.macro.bootstrap;
    return {
      model,
      auc: macro.auc.mean,
      logloss: macro.logloss.mean,
      cells: cells.map(({ scenario, task, auc }) => ({ scenario, task, auc: auc.mean })),
      denseParameters,
      multiplyAddsPerRow,
      processorSeconds: times.find((of) => of.model === model).processorSecondsToBest,
      ...(test && { difference: test.difference, low: test.low, high: test.high }),
    };
  });
}

/** The choice of the run of Streams, from its folder. */
function structureOf(results) {
  const folders = readdirSync(results, { recursive: true }).filter((path) => path.endsWith('flows.json'));
  return folders.map((path) => JSON.parse(readFileSync(join(results, path), 'utf8')).structure)[0];
}

const mean = (all) => all.reduce((a, b) => a + b) / all.length;

mkdirSync(out, { recursive: true });
for (const seed of values.seeds.split(',')) {
  const file = join(out, `${seed}.json`);
  if (existsSync(file)) continue;
  const world = ofSeed(seed);
  writeFileSync(file, `${JSON.stringify(world)}\n`);
  console.log(`world ${seed}: best possible ${world.bayes.toFixed(4)}, structure: ${world.structure?.chosen}`);
  for (const { model, auc, difference, low, high, processorSeconds } of world.models)
    console.log(
      `  ${model.padEnd(30)} ${auc.toFixed(4)} ${difference === undefined ? '' : `${difference.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`} ${processorSeconds.toFixed(1)} s`,
    );
}
const worlds = readdirSync(out)
  .filter((name) => /^\d+\.json$/.test(name))
  .map((name) => JSON.parse(readFileSync(join(out, name), 'utf8')))
  .sort((a, b) => a.seed - b.seed);
writeFileSync(join(out, 'result.json'), `${JSON.stringify({ worlds }, undefined, 1)}\n`);
