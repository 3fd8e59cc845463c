/** The dataset configuration of joined rows: the fields, scenarios and tasks of the artifact, in its order. */
import { stringify } from 'yaml';
import type { DatasetInput } from '../../config/dataset.ts';
import { labelColumn, sequenceColumn } from '../../data/prepared/columns.ts';
import { identifier } from '../../data/sql/text.ts';
import type { JoinPlan } from './plan.ts';
import { dayFolder, type JoinState } from './state.ts';

export type JoinedRows = NonNullable<JoinState['rows']>;

/** Paths are relative to the folder of the rows. */
export function datasetOf(plan: JoinPlan, days: JoinedRows['days']): DatasetInput {
  const { config, dataName, scenarios, scenarioFields, tasks, dataFields, sequences } = plan;
  const labelled = tasks.map(({ name }) => `${identifier(labelColumn(name))} IS NOT NULL`).join(' OR ');
  const hasUnits = Object.values(days).some(({ units }) => units > 0);
  const weights = [
    ...(config.negatives === undefined ? [] : ['log_weight']),
    ...(config.weight ? [`(${config.weight}\n)`] : []),
  ];
  return {
    name: dataName,
    sources: {
      rows: {
        path: Object.entries(days)
          .filter(([, { rows }]) => rows > 0)
          .map(([day, { generation }]) => `${dayFolder(day, generation)}/*.parquet`)
          .sort(),
        format: 'parquet',
      },
    },
    where: config.where === undefined ? labelled : `(${labelled}) AND (${config.where}\n)`,
    fields: [...dataFields],
    scenario:
      scenarioFields === undefined
        ? { expression: 'log_scenario', values: [...scenarios] }
        : {
            expression: identifier(scenarioFields.names[0]),
            values: [...scenarioFields.values],
            names: [...scenarios],
          },
    tasks: tasks.map(({ name }) => ({ name, label: identifier(labelColumn(name)) })),
    ...(weights.length > 0 && { weight: weights.join(' * ') }),
    ...(hasUnits && { group: 'log_unit' }),
    ...(sequences && {
      sequences: {
        item: sequences.itemField,
        length: sequences.length,
        given: Object.fromEntries(sequences.types.map((type) => [type, identifier(sequenceColumn(type))])),
      },
    }),
    split: config.split,
    vocabulary: config.vocabulary,
  };
}

export const datasetText = (dataset: DatasetInput): string =>
  `# Written by \`tributary join\` and replaced by its next run: change the join configuration instead.\n${stringify(dataset, { lineWidth: 0 })}`;
