/** What a model is told of a data set. */

import type { Manifest } from '../../data/prepared/prepared.ts';
import type { ModelSizes } from '../../model/contract.ts';
import type { ModelDescription } from '../../store/run/model-file.ts';

/** Sizes out of a manifest, or out of what a model file keeps of one. */
export const modelSizes = ({
  fields,
  scenarios,
  tasks,
  orderedTasks,
  sequences,
}: Pick<
  Manifest | ModelDescription['data'],
  'fields' | 'scenarios' | 'tasks' | 'orderedTasks' | 'sequences'
>): ModelSizes => ({
  fields: fields.length,
  scenarios: scenarios.length,
  tasks: tasks.length,
  fieldNames: fields.map(({ name }) => name),
  orderedTasks: orderedTasks ?? false,
  ...(sequences && {
    sequences: {
      types: sequences.types.length,
      length: sequences.length,
      itemField: fields.findIndex(({ name }) => name === sequences.itemField),
    },
  }),
});
