/** The page of a run folder, finished or not. */

import { VERSION } from '../../base/version.ts';
import type { MetricsLine } from '../../documents/run-log.ts';
import { metricText } from '../../report/numbers.ts';
import { openRun, readFlows, readMetrics } from '../../store/run/run-folder.ts';
import type { EpochPoint, RunPage } from '../page.ts';

/** @throws RUN_NOT_FOUND, RUN_CHOOSING, RUN_DAMAGED, CHECKSUM_MISMATCH */
export function runPage(folder: string): RunPage {
  const record = openRun(folder);
  const lines = readMetrics(folder);
  const end = lines.findLast((line) => line.kind === 'result');
  const validated = lines.findLast((line) => line.kind === 'epoch');
  const cells = (end?.test ?? validated?.validation)?.cells ?? [];
  const verdict = readFlows(folder);
  return {
    kind: 'run',
    title: `${record.model} on ${record.data.name}`,
    facts: [record.id, `started ${record.created.slice(0, 16).replace('T', ' ')} UTC`],
    findings:
      end === undefined
        ? []
        : [
            `Mean AUC ${metricText(end.test.macro.auc)}, log loss ${metricText(end.test.macro.logloss)} on the test rows.`,
          ],
    notes: end === undefined ? ['The training has not ended: nothing is measured on test rows yet.'] : [],
    version: VERSION,
    model: record.model,
    data: record.data.name,
    ...(end && { result: { test: end.test, epochs: end.epochs, ...(verdict && { verdict }) } }),
    cells: cells.map(({ scenario, task }) => ({ scenario, task })),
    epochs: lines.flatMap(epochPoint),
  };
}

function epochPoint(line: MetricsLine): EpochPoint[] {
  if (line.kind !== 'epoch') return [];
  const { phase, epoch, losses, taskWeights, monitor, best, validation } = line;
  return [{ phase, epoch, losses, taskWeights, monitor, best, auc: validation.cells.map(({ auc }) => auc) }];
}
