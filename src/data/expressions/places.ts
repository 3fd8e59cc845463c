/** The SQL expressions of a configuration, and the places that they stand at. */
import { builtOf, sequenceTypes } from '../../config/dataset/sequences.ts';
import { type DatasetConfig, type ValueField, valueFields } from '../../config/dataset.ts';
import { sequenceColumn } from '../prepared/columns.ts';
import type { Expression } from '../sql/one-expression.ts';
import { identifier } from '../sql/text.ts';
import type { Use } from './as-written.ts';

/** The places of fields and tasks in the configuration. */
export const fieldUse = ({ name }: { name: string }): string => `field "${name}"`;

export const taskUse = ({ name }: { name: string }): string => `task "${name}"`;

/** The expression of a field: its own, or the column of its name. */
export const fieldExpression = (field: { name: string; expression?: string }): string =>
  field.expression ?? identifier(field.name);

/** The expressions of all fields that rows bring. */
export const fieldExpressions = ({ fields }: Pick<DatasetConfig, 'fields'>): Expression[] =>
  valueFields(fields).map(({ field }) => ({ usedBy: fieldUse(field), sql: fieldExpression(field) }));

/** Every expression of a configuration; their `usedBy` are unique except for those of groupRowsBy. */
export function allExpressions(config: DatasetConfig): Expression[] {
  const optional = (usedBy: string, sql: string | undefined): Expression[] =>
    sql === undefined ? [] : [{ usedBy, sql }];
  return [
    ...fieldExpressions(config),
    { usedBy: 'scenario', sql: config.scenario.expression },
    ...config.tasks.map((t) => ({ usedBy: taskUse(t), sql: t.label })),
    ...optional('where', config.where),
    ...optional('weight', config.weight),
    ...optional('group', config.group),
    ...optional('split', 'column' in config.split ? config.split.column : undefined),
    ...optional(LIFECYCLE_TIME, config.vocabulary.lifecycle?.time),
    ...deduplicateExpressions(config),
    ...sequenceExpressions(config),
    ...config.groupRowsBy.map((column) => ({ usedBy: 'groupRowsBy', sql: identifier(column) })),
  ];
}

export const deduplicateUse = (place: number): string => `deduplicate.by.${place}`;

const deduplicateExpressions = ({ deduplicate }: DatasetConfig): Expression[] =>
  typeof deduplicate === 'object' ? deduplicate.by.map((sql, i) => ({ usedBy: deduplicateUse(i), sql })) : [];

/** The place of the times of sightings in the configuration. */
export const LIFECYCLE_TIME = 'vocabulary.lifecycle.time';

/** The places of the sequences' expressions in the configuration. */
export const SEQUENCE_KEY = 'sequences.key';

export const SEQUENCE_TIME = 'sequences.time';

export const sequenceType = (type: string): string => `sequences.types.${type}`;

/** The lists of items that rows bring along: where the configuration gives them so, and always those of rows to be scored. */
export const givenSequences = ({ sequences }: DatasetConfig): Expression[] =>
  (sequences === undefined ? [] : sequenceTypes(sequences)).map((type) => ({
    usedBy: `sequence "${type}"`,
    sql: sequences?.given?.[type] ?? identifier(sequenceColumn(type)),
  }));

function sequenceExpressions(config: DatasetConfig): Expression[] {
  const { sequences } = config;
  if (sequences === undefined) return [];
  const built = builtOf(sequences);
  if (built === undefined) return givenSequences(config);
  return [
    { usedBy: SEQUENCE_KEY, sql: built.key },
    { usedBy: SEQUENCE_TIME, sql: built.time },
    ...Object.entries(built.types).map(([type, condition]) => ({ usedBy: sequenceType(type), sql: condition })),
  ];
}

/** What the expressions of a configuration take of a column, where they are one, by their `usedBy`; others compute with it. */
export function columnUses(config: DatasetConfig): Map<string, Use> {
  const fields = valueFields(config.fields).map(({ field }): [string, Use] => [fieldUse(field), useOf(field)]);
  const given = givenSequences(config).map(({ usedBy }): [string, Use] => [usedBy, { separator: '|' }]);
  return new Map([...fields, ...given, ['scenario', 'text'], ['group', 'text'], [SEQUENCE_KEY, 'text']]);
}

/** What a field takes of a column that it is. */
function useOf(field: ValueField): Use {
  switch (field.kind) {
    case 'categorical':
      return 'text';
    case 'numeric':
      return 'number';
    case 'multi':
      return { separator: field.separator };
  }
}
