/** Timings as text. */
import type { PhaseTiming } from './train-bench.ts';

/** One line for the set-up, a table of the phases, and what a step consists of. */
export function formatTimings(timings: readonly PhaseTiming[]): string {
  const [{ batchSize, fields, tableRows, tableUpdates, threads, steps }] = timings;
  const head = ['', 'ms/step', 'min', 'rows/s', 'GFLOP', 'GFLOP/s', 'peak', 'of peak', 'best', 'products', 'MB'];
  const rows = timings.map((t) => [
    `${t.model} ${t.phase}`,
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
    `batch ${batchSize}, ${fields} fields, ${tableRows} embedding rows (${tableUpdates} updates), ${threads} threads, ${steps} steps`,
    '',
    ...aligned([head, ...rows]),
    '',
    ...timings.map(partsLine),
    ...ratioLine(timings),
  ].join('\n');
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Kinds of nodes that are worth a word. */
const NOTABLE = 0.02;

function partsLine({ model, phase, parts, operators, peakProduct: p }: PhaseTiming): string {
  const times = Object.entries(parts).map(([part, ms]) => `${part} ${ms.toFixed(1)}`);
  const kinds = Object.entries(operators).filter(([, share]) => share >= NOTABLE);
  const shares = kinds.map(([kind, share]) => `${kind} ${percent(share)}`);
  const peak = `[${p.rows},${p.inner}] x [${p.inner},${p.columns}]`;
  return `${model} ${phase}: ${times.join(', ')} ms; run: ${shares.join(', ')}; fastest product ${peak}`;
}

function ratioLine(timings: readonly PhaseTiming[]): string[] {
  const [search, retrain] = ['search', 'retrain'].map((name) => timings.find(({ phase }) => phase === name));
  if (search === undefined || retrain === undefined) return [];
  return [`a retrain step takes ${(retrain.medianMs / search.medianMs).toFixed(2)} of a search step`];
}

/** Columns two blanks apart, numbers to the right. */
function aligned(rows: string[][]): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  return rows.map((row) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  '),
  );
}
