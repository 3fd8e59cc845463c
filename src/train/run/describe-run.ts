/** Describes a finished run as a document, which report.md shows. */
import type { ChoiceCounts } from '../../documents/parts.ts';
import type { RunDocument, TrainingDocument } from '../../documents/result.ts';
import { type RunRecord, readChoice, readFlows } from '../../store/run/run-folder.ts';
import type { Setup } from './setup.ts';
import { runSize } from './size.ts';
import type { LoopState } from './state.ts';

export function runDocument(
  record: RunRecord,
  setup: Setup,
  { keep, parts }: Pick<LoopState, 'keep' | 'parts'>,
  { schema: _schema, run: _run, split: _split, epochs, seconds, yardsticks, ...test }: TrainingDocument,
  choices: ChoiceCounts,
  folder: string,
): RunDocument {
  const [verdict, choice] = [readFlows(folder), readChoice(folder)];
  const { manifest } = setup.data;
  const { train, validation } = manifest.splits;
  return {
    schema: 'run/1',
    model: { key: setup.model.key, title: setup.model.title },
    data: {
      name: manifest.name,
      hash: record.data.hash,
      rows: { train: train.rows, validation: validation.rows, test: manifest.splits.test.rows },
      notes: manifest.config.notes ?? [],
    },
    scenarios: manifest.scenarios,
    tasks: manifest.tasks,
    size: runSize(setup),
    parameters: {
      dense: setup.denseParameters,
      tableRows: manifest.tableRows,
      dimension: setup.weights.tables.dimension,
    },
    epochs,
    seconds,
    ...(parts && { parts }),
    ...(setup.placement && { ranks: setup.placement }),
    test,
    ...(yardsticks && { yardsticks }),
    ...(keep !== null && {
      flows: { names: [...(setup.model.flowSelection?.flows ?? [])], keep: keep.rates, rows: keep.rows },
    }),
    choices,
    ...(verdict && { verdict }),
    ...(choice && { choice }),
    config: record.config,
  };
}
