// What each default of a training without options is worth. Three studies:
//
//   ablation   a model with all of them, then with one left out
//   decay      the rule for the decay of ids, then fixed decays in its place
//   inputs     any model with pair products and decay, then without either
//
//   node scripts/ablate-defaults.js NAME=DATA [--study ablation] [--model KEY] [--variant NAME] [--seed N] [--out FILE]
//   node scripts/ablate-defaults.js --table [--model KEY] [--out FILE]
//
// DATA is a prepared folder; --variant makes one run of a study. Each run is a process of one thread and adds a line to FILE (default:
// RESULT below), so that runs can be made one by one and an interrupted script continued. --table prints what has been measured.
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const RESULT = 'reproduction/results/defaults/runs.jsonl';
const SEEDS = [1, 2, 3];
const ALL = 'all defaults';

/** What is set in each variant. */
const ABLATIONS = {
  [ALL]: {},
  'no decay of ids': { 'train.idDecay': 'off' },
  'no pairs': { 'model.pairs': false },
  'no averaged weights': { 'train.weightAverage': 0 },
  'batches of 4,096': { 'train.batchSize': 4096 },
  'learning rate 1e-3': { 'train.learningRate': 1e-3 },
  'patience of 1': { 'train.patience': 1 },
  'tables at 0.03': { 'train.tableDeviation': 0.03 }, // was a default
  'widths of the paper': { 'model.bottomDims': [128, 64], 'model.towerDims': [32] },
};
/** For any model: equal budgets, with and without what the input layer has by default. */
const INPUTS = {
  'pairs and decay': { 'model.pairs': true, 'train.idDecay': 'auto', 'train.maxEpochs': 10 },
  neither: { 'model.pairs': false, 'train.idDecay': 'off', 'train.maxEpochs': 10 },
};
/** What a model needs on data without sequences. */
const OF_MODEL = { dtrn: { 'model.sequences': false } };
const GRID = Object.fromEntries([0, 1, 4, 16, 60, 150].map((decay) => [`decay ${decay}`, { 'train.idDecay': decay }]));
const STUDIES = { ablation: ABLATIONS, decay: { [ALL]: {}, ...GRID }, inputs: INPUTS };
const VARIANTS = { ...ABLATIONS, ...INPUTS, ...GRID };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'shared-bottom' },
    study: { type: 'string', default: 'ablation' },
    variant: { type: 'string' },
    seed: { type: 'string' },
    out: { type: 'string', default: RESULT },
    table: { type: 'boolean', default: false },
  },
});

const lines = (file) =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];

/** Trains once in a folder of its own; returns what is compared. */
function trained(data, model, variant, seed) {
  const { splits } = JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8'));
  const sets = Object.entries({ ...OF_MODEL[model], ...VARIANTS[variant] }).flatMap(([path, value]) => [
    '--set',
    `${path}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'tributary-defaults-'));
  const out = join(folder, 'run');
  try {
    const options = [
      '--data',
      data,
      '--model',
      model,
      '--threads',
      '1',
      '--seed',
      String(seed),
      '--yardsticks',
      'none',
    ];
    execFileSync('node', ['bin/tributary.js', 'train', ...options, ...sets, '--out', out], { stdio: 'ignore' });
    const metrics = lines(join(out, 'metrics.jsonl'));
    const { test, epochs } = metrics.at(-1);
    const best = metrics.findLast((line) => line.best).validation.macro;
    return {
      rows: splits.train.rows,
      auc: test.macro.auc,
      logloss: test.macro.logloss,
      validation: { auc: best.auc, logloss: best.logloss },
      epochs: epochs.train,
      processorSeconds: Math.max(...lines(join(out, 'timings.jsonl')).map((line) => line.processorSeconds ?? 0)),
      idDecay: JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')).config.train.idDecay,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Mean test AUC of each variant and data set over the seeds, and its difference from all defaults over the same seeds. */
function table() {
  const runs = lines(values.out).filter(({ model }) => model === values.model);
  const names = [...new Set(runs.map(({ data }) => data))];
  console.log(`| variant | ${names.join(' | ')} |`);
  console.log(`| --- |${names.map(() => ' ---: |').join('')}`);
  for (const variant of new Set([...Object.keys(VARIANTS), ...runs.map((run) => run.variant)])) {
    const cells = names.map((name) => {
      const of = (wanted) => runs.filter(({ data, variant: v }) => data === name && v === wanted);
      const pairs = of(variant).flatMap((run) =>
        of(ALL)
          .filter(({ seed }) => seed === run.seed)
          .map((all) => [run, all]),
      );
      if (pairs.length === 0) return '';
      const auc = mean(pairs.map(([run]) => run.auc)).toFixed(4);
      if (variant === ALL)
        return `${auc}, ${mean(pairs.map(([run]) => run.processorSeconds)).toFixed(0)} s (${pairs.length})`;
      const differences = pairs.map(([run, all]) => run.auc - all.auc);
      const signed = (number) => `${number < 0 ? '' : '+'}${number.toFixed(4)}`;
      const range =
        pairs.length > 1 ? ` [${signed(Math.min(...differences))}, ${signed(Math.max(...differences))}]` : '';
      return `${signed(mean(differences))}${range}`;
    });
    if (cells.some((cell) => cell !== '')) console.log(`| ${variant} | ${cells.join(' | ')} |`);
  }
}

function study() {
  const [name, data] = positionals[0].split('=');
  mkdirSync(dirname(values.out), { recursive: true });
  for (const seed of values.seed === undefined ? SEEDS : [Number(values.seed)])
    for (const variant of values.variant === undefined ? Object.keys(STUDIES[values.study]) : [values.variant]) {
      const id = { data: name, model: values.model, variant, seed };
      const isDone = lines(values.out).some((run) => Object.entries(id).every(([key, value]) => run[key] === value));
      if (isDone) continue;
      const run = { ...id, ...trained(data, values.model, variant, seed) };
      appendFileSync(values.out, `${JSON.stringify(run)}\n`);
      console.log(
        `${name}, ${variant}, seed ${seed}: test AUC ${run.auc.toFixed(4)}, ${run.processorSeconds.toFixed(1)} CPU s`,
      );
    }
}

if (values.table) table();
else study();
