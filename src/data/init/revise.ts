/** Holds a proposal against the checks of `validate`, and leaves out what fails them. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { datasetSchema } from '../../config/dataset.ts';
import type { Finding } from '../checks/finding.ts';
import { failuresIn } from '../checks/validate.ts';
import type { Source } from '../sources/source.ts';
import { configOf, type Draft, RANDOM_SPLIT } from './propose.ts';
import { oneScenario, withoutValues } from './scenario.ts';

/** What is left out in one round may show what else fails. */
const ROUNDS = 4;
/** Of the rows, the share that scenarios with too little in them may have. */
const SMALL_SHARE = 0.2;

/**
 * The proposal as `validate` accepts it, and what still fails then.
 *
 * @throws INIT_NO_FIELD
 */
export async function revise(
  connection: DuckDBConnection,
  draft: Draft,
  sources: Source[],
): Promise<{ draft: Draft; failures: Finding[] }> {
  let revised = draft;
  for (let round = 0; ; round++) {
    const failures = await failuresIn(connection, datasetSchema.parse(configOf(revised)), sources);
    const next = round < ROUNDS ? without(revised, failures) : undefined;
    if (next === undefined) return { draft: revised, failures };
    revised = next;
  }
}

/** The draft without what failures are about; undefined where none can be left out. */
function without(draft: Draft, failures: Finding[]): Draft | undefined {
  const ofFields = failures.filter(({ about }) => about?.field !== undefined);
  if (ofFields.length > 0) return withoutFields(draft, ofFields);
  if (failures.some(({ check }) => check === 'split') && draft.split.value.kind !== 'random')
    return { ...draft, split: { value: RANDOM_SPLIT, because: `rows are split by chance: ${failures[0].message}` } };
  const scenarios = new Set(failures.flatMap(({ about }) => about?.scenario ?? []));
  return scenarios.size > 0 && draft.scenario.value.values.length > 1
    ? withoutScenarios(draft, [...scenarios])
    : undefined;
}

function withoutFields(draft: Draft, failures: Finding[]): Draft {
  const reasons = new Map(failures.map(({ about, message }) => [about?.field, message]));
  const fields = draft.fields.filter(({ value }) => !reasons.has(value.name));
  const left = draft.fields.flatMap(({ value, column }) => {
    const reason = reasons.get(value.name);
    return reason === undefined ? [] : [`${column}: ${reason}`];
  });
  if (fields.length === 0)
    throw error('INIT_NO_FIELD', {
      files: Object.values(draft.sources).flatMap(({ path }) => path),
      columns: [...draft.left, ...left],
    });
  return { ...draft, fields, left: [...draft.left, ...left] };
}

/** Small scenarios are left out; where that would cost many rows, all rows are one scenario. */
function withoutScenarios(draft: Draft, dropped: number[]): Draft {
  const { rows, value, column, where } = draft.scenario;
  const sum = (places: number[]): number => places.reduce((total, s) => total + rows[s], 0);
  const others = draft.where.filter((condition) => !where.includes(condition));
  const isSmall = sum(dropped) <= SMALL_SHARE * sum([...rows.keys()]);
  if (value.values.length - dropped.length >= 2 && isSmall) {
    const scenario = withoutValues(draft.scenario, dropped, 'too few rows or labels to learn from');
    return { ...draft, scenario, where: [...others, ...scenario.where] };
  }
  const names = dropped.map((s) => JSON.stringify(value.values[s])).join(', ');
  const scenario = oneScenario(
    `all rows are one scenario: of those in ${column?.name}, ${names} cannot be learned (no rows or labels of one kind for training)`,
  );
  return { ...draft, scenario, where: others };
}
