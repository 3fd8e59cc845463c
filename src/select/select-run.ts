/** From a finished run to an artifact of selected graphs. */
import { checkPlace } from '../artifact/write.ts';
import { describeData, openRunData } from '../train/run-data.ts';
import { type Exported, type ExportOptions, exportRun } from './export.ts';
import { type Selection, type SelectOptions, selectGraphs, selectionRecord } from './select.ts';
import { loadServedModel } from './served-model.ts';

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
  const data = await openRunData(run, options.data);
  const selection = await selectGraphs(loadServedModel(run, describeData(data.manifest)), data, options);
  const list = [selection.graphs.joint, ...selection.graphs.scenarios];
  const exported = await exportRun(run, { ...options, graphs: { list, selection: selectionRecord(selection) } });
  return { selection, exported };
}
