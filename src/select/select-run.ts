/** From a finished run to an artifact of selected graphs. */
import { openRun } from '../artifact/run-folder.ts';
import { checkPlace } from '../artifact/write.ts';
import { evaluationOf } from '../train/run-data.ts';
import { checkExport, type Exported, type ExportOptions, exportOpen } from './export.ts';
import { type Selection, type SelectOptions, selectGraphs, selectionRecord } from './select.ts';
import { openFinished } from './served-model.ts';

/**
 * Selects, and writes what was selected. Nothing is written unless it was proven.
 *
 * @throws what selectGraphs and exportRun throw
 */
export async function selectRun(
  run: string,
  options: SelectOptions & Omit<ExportOptions, 'graphs'>,
): Promise<{ selection: Selection; exported: Exported }> {
  checkPlace(options.out);
  const opened = await openFinished(run, options);
  checkExport(opened, options);
  const selection = await selectGraphs(opened.served, opened.data, {
    evaluation: evaluationOf(openRun(run)),
    ...options,
  });
  const list = [selection.graphs.joint, ...selection.graphs.scenarios];
  const exported = await exportOpen(opened, { ...options, graphs: { list, selection: selectionRecord(selection) } });
  return { selection, exported };
}
