/** What a model is told of a data set. */
import type { ModelDescription } from '../artifact/model-file.ts';
import type { Manifest } from '../data/prepared.ts';
import type { ModelSizes } from '../model/contract.ts';

/** Sizes out of a manifest, or out of what a model file keeps of one. */
export const modelSizes = ({
  fields,
  scenarios,
  tasks,
  orderedTasks,
}: Pick<Manifest | ModelDescription['data'], 'fields' | 'scenarios' | 'tasks' | 'orderedTasks'>): ModelSizes => ({
  fields: fields.length,
  scenarios: scenarios.length,
  tasks: tasks.length,
  fieldNames: fields.map(({ name }) => name),
  orderedTasks: orderedTasks ?? false,
});
