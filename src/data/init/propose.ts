/** Puts the guesses about columns together into a configuration. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetInput } from '../../config/dataset.ts';
import { viewOf } from '../sources/source.ts';
import { queryOne } from '../sql/duckdb.ts';
import { identifier, sameName } from '../sql/text.ts';
import { proposeJoins } from './joins.ts';
import { createNamer, isFieldName, type Namer } from './names.ts';
import type { ColumnProfile, FileSource, SourceProfile } from './profile.ts';
import { fieldGuess, isPassing, labelColumns, namedLabels, ratingColumn, timeColumn, userColumn } from './roles.ts';
import { proposeScenario, type Scenario } from './scenario.ts';

type Field = DatasetInput['fields'][number];

/** A proposal with the reason of each choice. */
export interface Draft {
  /** Name of the data set. */
  name: string;
  sources: Record<string, FileSource>;
  from: Explained<string> | undefined;
  joins: Explained<NonNullable<DatasetInput['joins']>[number]>[];
  /** Rows for which all of them are true are kept. */
  where: Explained<string>[];
  fields: (Explained<Field> & { column: string })[];
  /** Columns that are no field, with the reason. */
  left: string[];
  scenario: Scenario;
  tasks: Explained<DatasetInput['tasks'][number]>[];
  group: Explained<string> | undefined;
  split: Explained<NonNullable<DatasetInput['split']>>;
}

interface Explained<T> {
  value: T;
  because: string;
}

export const RANDOM_SPLIT = { kind: 'random', seed: 2021 } as const;

/** @throws INIT_NO_LABEL, INIT_NO_JOIN, INIT_JOIN_DUPLICATES, INIT_NO_FIELD */
export async function propose(connection: DuckDBConnection, sources: SourceProfile[]): Promise<Draft> {
  const base = baseOf(sources);
  const others = sources.filter((s) => s !== base);
  const { joins, reasons } = await proposeJoins(connection, base, others);
  const keys = new Set(joins.flatMap((j) => Object.values(j.on).map((column) => `${j.source}.${column}`)));
  const columns = [base, ...others].flatMap((s) => s.columns).filter((c) => !keys.has(`${c.source}.${c.name}`));
  const own = columns.filter((c) => c.source === base.name);
  const reference = (c: ColumnProfile): string => {
    const unique = columns.filter((other) => sameName(other.name, c.name)).length === 1;
    return unique ? identifier(c.name) : `${identifier(c.source)}.${identifier(c.name)}`;
  };
  const labels = await proposeTasks(connection, base, own, reference);
  const free = (all: ColumnProfile[]): ColumnProfile[] => all.filter((c) => !labels.columns.includes(c));
  const time = timeColumn(free(own));
  const group = userColumn(free(own));
  const scenario = await proposeScenario(connection, free(columns), reference);
  const isKey = (c: ColumnProfile): boolean =>
    (c === group && !isPassing(c)) || (c.source === base.name && joins.some((j) => Object.hasOwn(j.on, c.name)));
  const used = [...labels.columns, time, scenario.column].filter((c) => c !== undefined);
  const { fields, left } = proposeFields(
    columns.filter((c) => !used.includes(c)),
    { base: base.name, reference, isKey },
  );
  if (scenario.column !== undefined) left.unshift(`${scenario.column.name} is the scenario, which models know anyway`);
  if (fields.length === 0)
    throw error('INIT_NO_FIELD', {
      files: sources.flatMap((s) => s.config.path),
      columns: left.length > 0 ? left : ['there is none beside the labels'],
    });
  const split = time === undefined ? undefined : splitByTime(time, reference(time));
  return {
    name: base.name,
    sources: Object.fromEntries(sources.map((s) => [s.name, s.config])),
    from:
      sources.length === 1
        ? undefined
        : {
            value: base.name,
            because: `${base.name} has the labels: its ${base.rows.toLocaleString('en-US')} rows are the examples`,
          },
    joins: joins.map((value, i) => ({ value, because: reasons[i] })),
    where: [...(split?.where ?? []), ...scenario.where],
    fields,
    left,
    scenario,
    tasks: labels.tasks,
    group:
      group === undefined
        ? undefined
        : { value: reference(group), because: `grouped AUC ranks within each ${group.name}` },
    split: split?.split ?? {
      value: RANDOM_SPLIT,
      because: 'no column of times that can be read: rows are split by chance',
    },
  };
}

/** The largest source among those that have a label: by its name or a mark, else by its values alone. */
function baseOf(sources: SourceProfile[]): SourceProfile {
  const sure = sources.filter(({ columns }) => namedLabels(columns).length > 0 || ratingColumn(columns) !== undefined);
  const labelled = sure.length > 0 ? sure : sources.filter(({ columns }) => labelColumns(columns).length > 0);
  if (labelled.length === 0)
    throw error('INIT_NO_LABEL', {
      files: sources.flatMap((s) => s.config.path),
      columns: sources.flatMap((s) => s.columns.map((c) => c.name)),
    });
  return labelled.reduce((a, b) => (b.rows > a.rows ? b : a));
}

async function proposeTasks(
  connection: DuckDBConnection,
  base: SourceProfile,
  columns: ColumnProfile[],
  reference: (c: ColumnProfile) => string,
): Promise<{ tasks: Draft['tasks']; columns: ColumnProfile[] }> {
  const labels = labelColumns(columns);
  const rating = labels.length === 0 ? ratingColumn(columns) : undefined;
  const namer = createNamer();
  const named = namesOf(namer, labels, (c) => c.name);
  // Over the base alone, so that no qualifier is needed here.
  const found = labels.map((c) => ({ name: named.get(c) ?? '', label: reference(c), sql: identifier(c.name) }));
  if (rating !== undefined) {
    const { cut } = await queryOne(
      connection,
      `SELECT quantile_disc(${identifier(rating.name)}, 0.5)::DOUBLE AS cut FROM ${viewOf(base.name)}`,
      'looking for labels',
    );
    // Above the middle mark, but never above all.
    const above = Math.min(Number(cut), Number(rating.most) - 1);
    const name = namer.name(`high_${rating.name}`, 'high_mark');
    found.push({ name, label: `${reference(rating)} > ${above}`, sql: `${identifier(rating.name)} > ${above}` });
  }
  const rates = await queryOne(
    connection,
    `SELECT ${found.map(({ sql }, i) => `avg((${sql})::INTEGER) AS r${i}`).join(', ')} FROM ${viewOf(base.name)}`,
    'looking at the labels',
  );
  const what = rating === undefined ? 'values 0 and 1 and the name of a label' : 'a mark cut at its middle';
  const tasks = found.map(({ name, label }, i) => ({
    value: { name, label },
    because: `${what}; ${(100 * Number(rates[`r${i}`])).toFixed(1)} % are 1`,
  }));
  return { tasks, columns: rating === undefined ? labels : [rating] };
}

/** A split by a column of times. Rows without one are left out by it; texts that are none must be left out before. */
function splitByTime(time: ColumnProfile, sql: string): { split: Draft['split']; where: Draft['where'] } {
  const rows = (n: number, does: string, do_: string): string =>
    n === 1 ? `1 row ${does}` : `${n.toLocaleString('en-US')} rows ${do_}`;
  const missing = Math.round(time.missing * time.rows);
  const unreadable = time.type === 'VARCHAR' ? time.rows - missing - time.times : 0;
  const range = unreadable === 0 ? `from ${time.least} to ${time.most}` : `by ${time.name}`;
  const without = missing === 0 ? '' : `; ${rows(missing, 'has no time and is', 'have no time and are')} left out`;
  return {
    split: {
      value: { kind: 'time', column: sql },
      because: `train on the earliest 80 %, test on the latest 10 % (${range})${without}`,
    },
    where:
      unreadable === 0
        ? []
        : [
            {
              value: `TRY_CAST(${sql} AS TIMESTAMP) IS NOT NULL`,
              because: `${rows(unreadable, 'has', 'have')} a text in ${time.name} that is no time`,
            },
          ],
  };
}

function proposeFields(
  columns: ColumnProfile[],
  about: {
    /** The source whose rows are the examples. */
    base: string;
    reference: (c: ColumnProfile) => string;
    isKey: (c: ColumnProfile) => boolean;
  },
): Pick<Draft, 'fields' | 'left'> {
  const left: string[] = [];
  const guesses = columns.flatMap((column) => {
    const { value, because } = fieldGuess(column, about.isKey(column), column.source === about.base);
    if (value === undefined) left.push(`${column.name} ${because}`);
    return value === undefined ? [] : [{ column, value, because }];
  });
  const chosen = guesses.map(({ column }) => column);
  const named = namesOf(createNamer(isFieldName), chosen, (c) => {
    const isShared = chosen.some((other) => other !== c && sameName(other.name, c.name) && other.source === about.base);
    return isShared || !isFieldName(c.name.replace(/\W+/g, '_')) ? `${c.source}_${c.name}` : c.name;
  });
  const fields = guesses.map(({ column, value: guess, because }) => {
    const name = named.get(column) ?? '';
    const expression = about.reference(column);
    const field = { name, ...(expression !== identifier(name) && { expression }) };
    const value: Field =
      guess.kind === 'numeric'
        ? { kind: 'numeric', ...field, buckets: { quantiles: guess.quantiles } }
        : { ...guess, ...field };
    return { value, because, column: column.name };
  });
  return { fields, left };
}

/** Names for columns: those that are names keep them. */
function namesOf(
  namer: Namer,
  columns: ColumnProfile[],
  wanted: (c: ColumnProfile) => string,
): Map<ColumnProfile, string> {
  const names = new Map<ColumnProfile, string>();
  for (const c of columns) if (wanted(c) === c.name && namer.reserve(c.name)) names.set(c, c.name);
  for (const c of columns)
    if (!names.has(c)) names.set(c, namer.name(/[A-Za-z0-9]/.test(c.name) ? wanted(c) : c.name, `column_${c.place}`));
  return names;
}

/** The configuration of a draft. */
export const configOf = (draft: Draft): DatasetInput => ({
  name: draft.name,
  sources: draft.sources,
  ...(draft.from && { from: draft.from.value, joins: draft.joins.map(({ value }) => value) }),
  ...(draft.where.length > 0 && { where: draft.where.map(({ value }) => value).join(' AND ') }),
  fields: draft.fields.map(({ value }) => value),
  scenario: draft.scenario.value,
  tasks: draft.tasks.map(({ value }) => value),
  ...(draft.group && { group: draft.group.value }),
  split: draft.split.value,
});
