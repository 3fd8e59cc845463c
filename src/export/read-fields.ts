/**
 * A model may read some fields alone: Streams reads those that feed a flow. What serves it needs no table rows, vocabularies and
 * slots of the others.
 */
import { withFields } from '../data/prepared/some-fields.ts';
import { TABLES } from '../inference/model/fit.ts';
import type { FinishedRun } from '../inference/model/run.ts';
import { describeData } from '../inference/model/run-data.ts';
import { modelSizes } from '../inference/model/sizes.ts';
import type { TrainedModel } from '../inference/model/trained.ts';

export interface ServedRun {
  /** The run as if its data had only the fields that its model reads. */
  run: FinishedRun;
  /** The other fields that requests may give, by name. */
  unread: string[];
}

/**
 * The model of the result gives the same answers. The fields that its rates follow from stay, and the field `id`, since it decides
 * how requests give fields.
 */
export function withoutUnreadFields(run: FinishedRun): ServedRun {
  const { data, trained } = run;
  const { fields, sequences } = data.manifest;
  const read = trained.model.readFields?.(trained.options, trained.sizes) ?? fields.map(({ name }) => name);
  const rated = fields.filter(({ name }) => read.includes(name)).flatMap(({ rates }) => rates?.of ?? []);
  const kept = withFields(
    data,
    new Set([...read, ...rated, 'id', ...(sequences === undefined ? [] : [sequences.itemField])]),
  );
  if (kept === data) return { run, unread: [] };
  const names = kept.manifest.fields.map(({ name }) => name);
  return {
    run: { ...run, data: kept, trained: smaller(trained, kept.manifest) },
    unread: fields.filter(({ name, kind }) => kind !== 'rate' && !names.includes(name)).map(({ name }) => name),
  };
}

/** The model with the table rows of the kept fields alone. */
function smaller(trained: TrainedModel, manifest: FinishedRun['data']['manifest']): TrainedModel {
  const { data, dimension } = trained;
  const tensors = new Map(trained.tensors);
  for (const name of TABLES) {
    const table = tensors.get(name);
    if (table === undefined) continue;
    const rows = new Float32Array(manifest.tableRows * dimension);
    for (const { name: field, offset, size } of manifest.fields) {
      const from = data.fields.find((one) => one.name === field)?.offset as number;
      rows.set(table.data.subarray(from * dimension, (from + size) * dimension), offset * dimension);
    }
    tensors.set(name, { shape: [manifest.tableRows, dimension], data: rows });
  }
  return { ...trained, sizes: modelSizes(manifest), data: describeData(manifest), tensors };
}
