/**
 * What the test of flows costs on many rows: processor seconds and peak memory of `tributary flows --test` by sampling and by all rows.
 *
 *   node scripts/flow-cost.js OUT [--rows 5000000] [--test 50000,all]
 *
 * Makes a synthetic world with that many rows, prepares it (once: OUT/data stays), tests it with each number of rows, prints a table and writes
 * OUT/result.json.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROGRAM, tributary } from './command.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '5000000' }, test: { type: 'string', default: '50000,all' } },
});
if (positionals.length !== 1) throw new Error('expected one folder: node scripts/flow-cost.js OUT');
const [out] = positionals;

const [world, data] = ['world', 'data'].map((name) => join(out, name));
mkdirSync(out, { recursive: true });
if (!existsSync(join(data, 'manifest.json'))) {
  const sizes = ['--rows', values.rows, '--seed', '1', '--set', 'users=50000', '--set', 'items=10000'];
  tributary('prepare', 'synthetic', ...sizes, '--source', world, '--out', data);
}
// The flat file of a split is written at its first use: not a cost of the test.
tributary('flows', '--test', data, '--rows', '1000', '--json');

/** A line on stderr with what the process used, when it ends. */
const METER = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => { const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage(); console.error(JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1e6, mib: maxRSS / 1024 })); });",
)}`;

const { truth } = JSON.parse(readFileSync(join(world, 'synthetic-truth.json'), 'utf8'));
const isNoise = ({ scenario, task, flow }) =>
  truth.cells.some(
    (cell) => cell.scenario === scenario && cell.task === task && cell.flows.some((of) => of.flow === flow && of.noise),
  );
/** Claims "useless" that are right, less those that are not. */
const rightIn = ({ flows }) =>
  flows.filter(({ verdict }) => verdict === 'useless').reduce((sum, line) => sum + (isNoise(line) ? 1 : -1), 0);

const lines = values.test.split(',').map((rows) => {
  const words = ['--import', METER, PROGRAM, 'flows', '--test', data, '--rows', rows, '--json'];
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 1e9 });
  if (status !== 0) throw new Error(stderr);
  const found = JSON.parse(stdout.trim().split('\n').at(-1));
  const { cpu, mib } = JSON.parse(stderr.trim().split('\n').at(-1));
  return {
    rows: found.rows,
    of: found.of,
    right: rightIn(found),
    processorSeconds: Math.round(cpu * 10) / 10,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    peakMiB: Math.round(mib),
  };
});
console.table(lines);
const file = join(out, 'result.json');
writeFileSync(`${file}.partial`, `${JSON.stringify({ rows: Number(values.rows), tests: lines }, undefined, 1)}\n`);
renameSync(`${file}.partial`, file);
