/** Timings as text. */
import { type Machine, type StepSizes, stepBytes, stepTime } from '../comm/cost.ts';
import type { CommBench } from './comm-bench.ts';
import type { DeviceBench } from './train/device-bench.ts';
import type { PhaseTiming } from './train/train-bench.ts';

/** One line for the set-up, a table of the phases, and what a step consists of. */
export function formatTimings(timings: readonly PhaseTiming[]): string {
  const [{ batchSize, fields, tableUpdates, threads, steps }] = timings;
  const tables = [...new Set(timings.map(({ tableRows }) => tableRows))];
  const name = ({ model, phase, tableRows }: PhaseTiming): string =>
    tables.length === 1 ? `${model} ${phase}` : `${model} ${phase} ${tableRows}`;
  const head = ['', 'ms/step', 'min', 'rows/s', 'GFLOP', 'GFLOP/s', 'peak', 'of peak', 'best', 'products', 'MB'];
  const rows = timings.map((t) => [
    name(t),
    t.medianMs.toFixed(1),
    t.minMs.toFixed(1),
    String(Math.round(t.rowsPerSecond)),
    t.gflop.toFixed(2),
    t.gflops.toFixed(1),
    t.peakGflops.toFixed(1),
    percent(t.peakShare),
    percent(t.bestPeakShare),
    percent(t.productShare),
    String(Math.round(t.peakMemoryBytes / 1e6)),
  ]);
  return [
    `batch ${batchSize}, ${fields} fields, ${tables.join(' and ')} embedding rows (${tableUpdates} updates), ${threads} threads, ${steps} steps`,
    '',
    ...aligned([head, ...rows]),
    '',
    ...timings.map((t) => `${name(t)}: ${stepParts(t)}`),
    ...timings.flatMap((t) => {
      const [first] = timings.filter(({ model }) => model === t.model);
      return t === first ? [] : [`a step of ${name(t)} takes ${t.ofFirst.toFixed(2)} of one of ${name(first)}`];
    }),
  ].join('\n');
}

export function formatCommBench({ ranks, timings }: CommBench): string {
  const rows = timings.map(({ collective, bytes, microseconds, minMicroseconds, gigabytesPerSecond }) => [
    collective,
    String(bytes),
    microseconds.toFixed(1),
    minMicroseconds.toFixed(1),
    gigabytesPerSecond.toFixed(2),
  ]);
  return [`${ranks} ranks`, '', ...aligned([['', 'bytes', 'us', 'min', 'GB/s sent'], ...rows])].join('\n');
}

/** A row for each batch size and device, then what it means. */
export function formatDeviceBench({ emptyMs, timings }: DeviceBench): string {
  const rows = timings.map((t) => [
    `${t.model} ${t.phase} ${t.batchSize} ${t.device}`,
    t.stepMs.toFixed(1),
    t.runMs.toFixed(1),
    String(Math.round(t.rowsPerSecond)),
    (t.bytesIn / 1e6).toFixed(1),
    (t.bytesOut / 1e6).toFixed(1),
    t.transferMs.toFixed(1),
    percent(t.transferShare),
    `${t.speed.toFixed(2)}x`,
  ]);
  const head = ['', 'ms/step', 'run', 'rows/s', 'MB in', 'MB out', 'copies', 'of run', 'speed'];
  const { device } = timings[timings.length - 1];
  return [
    ...aligned([head, ...rows]),
    '',
    `run: the graph of a step. copies: a run that only copies as many bytes. A run of one number takes ${emptyMs.toFixed(2)} ms on ${device}.`,
  ].join('\n');
}

/** What ranks would bring, one row for each number of them. */
export function formatScaling(sizes: Omit<StepSizes, 'ranks'>, machine: Machine): string {
  const alone = stepTime({ ...sizes, ranks: 1 }, machine);
  const rows = [1, 2, 4, 8, 16, 32, 64].map((ranks) => {
    const { dense, toOwners, fromOwners } = stepBytes({ ...sizes, ranks });
    const time = stepTime({ ...sizes, ranks }, machine);
    const megabytes = [dense, toOwners, fromOwners].map((bytes) => (bytes / 1e6).toFixed(2));
    return [`${ranks}`, ...megabytes, time.toFixed(1), `${(alone / time).toFixed(2)}x`, percent(alone / time / ranks)];
  });
  return aligned([
    ['ranks', 'dense MB', 'to owners MB', 'from owners MB', 'ms/step', 'speed', 'efficiency'],
    ...rows,
  ]).join('\n');
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Kinds of nodes that are worth a word. */
const NOTABLE = 0.02;

function stepParts({ parts, operators, peakProduct: p }: PhaseTiming): string {
  const times = Object.entries(parts).map(([part, ms]) => `${part} ${ms.toFixed(1)}`);
  const kinds = Object.entries(operators).filter(([, share]) => share >= NOTABLE);
  const shares = kinds.map(([kind, share]) => `${kind} ${percent(share)}`);
  const peak = `[${p.rows},${p.inner}] x [${p.inner},${p.columns}]`;
  return `${times.join(', ')} ms; run: ${shares.join(', ')}; fastest product ${peak}`;
}

/** Columns two blanks apart, numbers to the right. */
function aligned(rows: string[][]): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  return rows.map((row) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  '),
  );
}
