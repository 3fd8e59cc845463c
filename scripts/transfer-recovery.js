/**
 * Does `transfer` find planted negative transfer? Worlds with a rare scenario in which one flow carries nothing (lacking) or acts the
 * other way round (opposed), and worlds without (none): measured from labels, and from the logits of models. Only the program's commands
 * are used.
 *
 *   node scripts/transfer-recovery.js OUT [--seeds 201,202,...] [--kinds lacking,opposed,none] [--models mmoe,shared-bottom,star]
 *
 * Each world is kept as OUT/KIND-SEED.json and not measured again; OUT/result.json holds all of them. A claim is a flow of a cell that is
 * called negative transfer; it is right where the flow was planted as lacking or opposed. `compared` are the claims of a simpler rule:
 * useless by the test of the labels, useful by the test of the model (`flows --test RUN`).
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tributary } from './command.js';

const ROWS = 80_000;
const RARE = 2;
const SHARES = 'shares=[48,48,4]';
const TRAINING = ['train.batchSize=512', 'train.learningRate=0.003', 'train.maxEpochs=2', 'threads=1'];

/** Flow 1 in one task of the rare scenario, flow 4 in the other; which is which changes with the seed. */
const places = (seed) => [
  { scenario: RARE, task: seed % 2, flow: 1 },
  { scenario: RARE, task: 1 - (seed % 2), flow: 4 },
];
const KINDS = {
  lacking: (seed) => [`noiseFlows=${JSON.stringify(places(seed))}`],
  opposed: (seed) => ['noiseFlows=[]', `opposedFlows=${JSON.stringify(places(seed).slice(0, 1))}`],
  none: () => ['noiseFlows=[]'],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '201,202,203,204' },
    kinds: { type: 'string', default: Object.keys(KINDS).join(',') },
    models: { type: 'string', default: 'mmoe,shared-bottom,star' },
  },
});
if (positionals.length !== 1) throw new Error('expected one folder: node scripts/transfer-recovery.js OUT');
const [out] = positionals;

const sets = (entries) => entries.flatMap((entry) => ['--set', entry]);
const nameOf = ({ scenario, task, flow }) => `${scenario}/${task}/${flow}`;

function ofWorld(kind, seed) {
  const folder = join(out, `${kind}-${seed}`);
  const [world, data] = ['world', 'data'].map((name) => join(folder, name));
  rmSync(folder, { recursive: true, force: true });
  const options = ['--rows', String(ROWS), '--seed', String(seed), ...sets([SHARES, ...KINDS[kind](seed)])];
  tributary('prepare', 'synthetic', ...options, '--source', world, '--out', data);
  const { truth } = JSON.parse(readFileSync(join(world, 'synthetic-truth.json'), 'utf8'));
  const planted = truth.cells.flatMap(({ scenario, task, flows }) =>
    flows.filter(({ noise, opposed }) => noise || opposed).map(({ flow }) => nameOf({ scenario, task, flow })),
  );
  const rankers = [found('labels', JSON.parse(tributary('transfer', data, '--rows', String(ROWS), '--json')), planted)];
  for (const model of values.models.split(',').filter(Boolean)) {
    const run = join(folder, model);
    tributary('train', '--data', data, '--model', model, '--out', run, '--seed', '1', ...sets(TRAINING));
    const transfer = JSON.parse(tributary('transfer', run, '--rows', String(ROWS), '--json'));
    const tested = JSON.parse(tributary('flows', '--test', run, '--json'));
    rankers.push(found(model, transfer, planted, tested));
  }
  rmSync(folder, { recursive: true, force: true });
  return { kind, seed, planted, rankers };
}

/** What is kept of each planted flow and of each false claim. */
function found(ranker, { flows, cells }, planted, tested) {
  const simple = new Map(tested?.flows.map((line) => [nameOf(line), line.verdict]));
  const lines = flows.map((line) => ({
    name: nameOf(line),
    verdict: line.verdict,
    labels: line.measured?.labels.value ?? null,
    model: line.measured?.model.value ?? null,
    negative: line.negative,
    compared: tested === undefined ? null : line.verdict === 'useless' && simple.get(nameOf(line)) === 'useful',
    aucChange: line.measured?.aucChange ?? null,
  }));
  return {
    ranker,
    flows: lines.length,
    planted: lines.filter(({ name }) => planted.includes(name)),
    false: lines.filter(({ name, negative, compared }) => !planted.includes(name) && (negative || compared)),
    cells: cells.map(({ scenario, task, selective, everything }) => ({ scenario, task, selective, everything })),
  };
}

mkdirSync(out, { recursive: true });
for (const kind of values.kinds.split(','))
  for (const seed of values.seeds.split(',').map(Number)) {
    const path = join(out, `${kind}-${seed}.json`);
    if (!existsSync(path)) writeFileSync(path, `${JSON.stringify(ofWorld(kind, seed), undefined, 1)}\n`);
  }
const worlds = readdirSync(out)
  .filter((name) => /^[a-z]+-\d+\.json$/.test(name))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(out, name), 'utf8')));

const sum = (rows, of) => rows.reduce((total, row) => total + of(row), 0);
const table = [];
for (const kind of Object.keys(KINDS))
  for (const ranker of [...new Set(worlds.flatMap(({ rankers }) => rankers.map((one) => one.ranker)))]) {
    const rows = worlds
      .filter((world) => world.kind === kind)
      .flatMap(({ rankers }) => rankers.filter((one) => one.ranker === ranker));
    if (rows.length === 0) continue;
    const planted = rows.flatMap((row) => row.planted);
    const right = planted.filter(({ negative }) => negative);
    const changes = right.map(({ aucChange }) => aucChange.value);
    table.push({
      kind,
      ranker,
      worlds: rows.length,
      planted: planted.length,
      proven: planted.filter(({ verdict }) => verdict === 'useless').length,
      passed: planted.filter(({ model }) => model > 0.1).length,
      found: right.length,
      false: sum(rows, (row) => row.false.filter(({ negative }) => negative).length),
      others: sum(rows, ({ flows }) => flows) - planted.length,
      aucChange: changes.length === 0 ? null : sum(changes, (change) => change) / changes.length,
      simpleFound: planted.filter(({ compared }) => compared).length,
      simpleFalse: sum(rows, (row) => row.false.filter(({ compared }) => compared).length),
    });
  }
console.table(table);
writeFileSync(join(out, 'result.json'), `${JSON.stringify({ rows: ROWS, table, worlds }, undefined, 1)}\n`);
