/** From a finished run to an artifact of selected graphs. */

import { openFinished } from '../../inference/model/finished.ts';
import { checkPlace } from '../../store/artifact/write.ts';
import { openRun } from '../../store/run/run-folder.ts';
import { evaluationOf } from '../../train/evaluate-split.ts';
import { checkExport, type Exported, type ExportOptions, exportOpen } from '../export.ts';
import { type Selection, type SelectOptions, selectGraphs, selectionRecord } from './select.ts';

/**
 * Selects, and writes what was selected. Nothing is written unless it was proven.
 *
 * @throws what selectGraphs and exportRun throw
 */
export async function selectRun(
  run: string,
  options: Omit<SelectOptions, 'onEvent'> & Omit<ExportOptions, 'graphs'>,
): Promise<{ selection: Selection; exported: Exported }> {
  checkPlace(options.out);
  const opened = await openFinished(run, options);
  checkExport(opened, options);
  const selection = await selectGraphs(opened.trained, opened.data, {
    evaluation: evaluationOf(openRun(run)),
    ...options,
  });
  const list = [selection.graphs.joint, ...selection.graphs.scenarios];
  const exported = await exportOpen(opened, { ...options, graphs: { list, selection: selectionRecord(selection) } });
  return { selection, exported };
}
