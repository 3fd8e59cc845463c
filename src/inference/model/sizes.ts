/** The sizes of a data set that a model needs. */

import type { Manifest } from '../../data/prepared/prepared.ts';
import type { ModelSizes } from '../../model/contract.ts';
import type { ModelDescription } from '../../store/run/model-file.ts';

/** Sizes from a manifest, or from its copy in a model file. */
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
