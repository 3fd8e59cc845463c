/** What `export` wrote, and how each cell was calibrated. */
import type { ExportDocument } from '../documents/artifact.ts';
import { count, duration } from './numbers.ts';
import { scoreLines } from './score.ts';
import { numeric, type Table, tableOf, textTable } from './table.ts';

export function exportText({ calibration, score, name, id, files, bytes, out, seconds }: ExportDocument): string {
  const tried = calibration.some(({ logloss }) => logloss.none !== null);
  return [
    '',
    tried ? 'log loss on held-out validation rows, and the calibration chosen:' : 'calibration:',
    ...textTable(calibrationTable(calibration)),
    '',
    ...scoreLines(score),
    `wrote ${name} ${id}: ${files} files, ${count(bytes)} bytes, to ${out} (${duration(seconds)})`,
  ].join('\n');
}

function calibrationTable(cells: ExportDocument['calibration']): Table {
  const loss = (value: number | null): string => value?.toFixed(5) ?? '-';
  return tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    numeric('rows', ({ rows }) => count(rows)),
    numeric('positives', ({ positives }) => count(positives)),
    numeric('none', ({ logloss }) => loss(logloss.none)),
    numeric('platt', ({ logloss }) => loss(logloss.platt)),
    numeric('isotonic', ({ logloss }) => loss(logloss.isotonic)),
    {
      title: 'chosen',
      text: ({ calibration }) =>
        calibration.kind === 'none' && calibration.reason ? `none: ${calibration.reason}` : calibration.kind,
    },
  ]);
}
