/**
 * How long do two models take to a test AUC? Trains both in turn, as a user would, and takes the wall time of the whole command: reading,
 * the flow test, training, the test rows. Processor seconds, which other work on the machine changes less, are those of test, choice and
 * training.
 *
 *   node scripts/time-to-auc.js DATA OUT [--auc 0.8009] [--seeds 1,2,3] [--set train.maxEpochs=6 ...]
 *
 * Writes OUT/result.json. The models are Streams with its defaults (and what `--set` says) and AutoIFS with its preset `ml-1m-fast`; one thread each, no yardsticks.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tributary } from './command.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    auc: { type: 'string', default: '0.8009' },
    seeds: { type: 'string', default: '1,2,3' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
if (positionals.length !== 2) throw new Error('expected two folders: node scripts/time-to-auc.js DATA OUT');
const [data, out] = positionals;
const MODELS = { streams: values.set.flatMap((entry) => ['--set', entry]), autoifs: ['--preset', 'ml-1m-fast'] };

function timed(model, seed) {
  const run = join(out, 'run');
  rmSync(run, { recursive: true, force: true });
  const started = performance.now();
  const common = ['--seed', seed, '--threads', '1', '--yardsticks', 'none', '--out', run, '--json'];
  const words = ['train', '--data', data, '--model', model, ...MODELS[model], ...common];
  const { macro, epochs } = JSON.parse(tributary(...words));
  const seconds = (performance.now() - started) / 1000;
  const timings = readFileSync(join(run, 'timings.jsonl'), 'utf8').trim().split('\n');
  const { processorSeconds } = JSON.parse(timings.findLast((line) => 'phase' in JSON.parse(line)));
  rmSync(run, { recursive: true, force: true });
  return {
    model,
    seed: Number(seed),
    seconds,
    processorSeconds,
    auc: macro.auc,
    reached: macro.auc >= Number(values.auc),
    epochs,
  };
}

mkdirSync(out, { recursive: true });
const runs = [];
for (const seed of values.seeds.split(','))
  for (const model of Object.keys(MODELS)) {
    const run = timed(model, seed);
    runs.push(run);
    console.log(
      `${model}, seed ${seed}: AUC ${run.auc.toFixed(4)} after ${run.seconds.toFixed(1)} s, ${run.processorSeconds.toFixed(1)} CPU s`,
    );
    writeFileSync(
      join(out, 'result.json'),
      `${JSON.stringify({ auc: Number(values.auc), set: values.set, runs }, undefined, 1)}\n`,
    );
  }
