/**
 * Which planted noise flows does AutoIFS remove, and what is that worth? For each seed a synthetic world of its own, prepared and
 * trained twice: with learned selection, and with all flows kept. Only the program's commands are used.
 *
 *   node scripts/noise-flows.js OUT [--rows 200000] [--seeds 1,2,3,4,5]
 *
 * Writes OUT/result.json. A flow of a cell counts as removed where it is kept for less than half of the test rows.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tributary } from './command.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '200000' }, seeds: { type: 'string', default: '1,2,3,4,5' } },
});
if (positionals.length !== 1) throw new Error('expected one folder: node scripts/noise-flows.js OUT');
const [out] = positionals;

function ofSeed(seed) {
  const [world, data, learned, kept] = ['world', 'data', 'learned', 'kept'].map((name) => join(out, `${seed}`, name));
  rmSync(join(out, `${seed}`), { recursive: true, force: true });
  tributary('prepare', 'synthetic', '--rows', values.rows, '--seed', seed, '--source', world, '--out', data);
  const train = (folder, selection) =>
    JSON.parse(
      tributary(
        ...[
          'train',
          '--data',
          data,
          '--model',
          'autoifs',
          '--preset',
          'demo',
          '--seed',
          seed,
          '--out',
          folder,
          '--json',
        ],
        ...['--set', `model.selection=${selection}`, '--set', 'train.maxEpochs=30'],
      ),
    );
  const auc = { learned: train(learned, 'learned').macro.auc, kept: train(kept, 'keep').macro.auc };
  const { flows } = JSON.parse(tributary('flows', learned, '--split', 'test', '--json'));
  const { truth } = JSON.parse(readFileSync(join(world, 'synthetic-truth.json'), 'utf8'));
  const names = [...new Set(flows.map(({ flow }) => flow))];
  const judged = truth.cells.flatMap(({ scenario, task, flows: planted }) =>
    planted.map(({ flow, noise }) => {
      const found = flows.find((f) => f.scenario === scenario && f.task === task && f.flow === names[flow - 1]);
      return { scenario, task, flow, noise, rate: found.rate };
    }),
  );
  return { seed: Number(seed), auc, ...agreement(judged), flows: judged };
}

function agreement(judged) {
  const removed = judged.filter(({ rate }) => rate < 0.5);
  const noise = judged.filter((flow) => flow.noise);
  const right = removed.filter((flow) => flow.noise).length;
  const mean = (all) => all.reduce((sum, { rate }) => sum + rate, 0) / all.length;
  return {
    noise: noise.length,
    removed: removed.length,
    right,
    precision: removed.length === 0 ? null : right / removed.length,
    recall: right / noise.length,
    keptNoise: mean(noise),
    keptInformative: mean(judged.filter((flow) => !flow.noise)),
  };
}

mkdirSync(out, { recursive: true });
const seeds = values.seeds.split(',').map(ofSeed);
writeFileSync(join(out, 'result.json'), `${JSON.stringify({ rows: Number(values.rows), seeds }, null, 1)}\n`);
for (const { flows, ...seed } of seeds) console.log(JSON.stringify(seed));
