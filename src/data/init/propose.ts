/** Puts the guesses about columns together into a configuration. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetInput } from '../../config/dataset.ts';
import { identifier, query, queryOne } from '../duckdb.ts';
import { viewOf } from '../sources.ts';
import { type ColumnProfile, type SourceProfile, validName } from './profile.ts';
import {
  fieldGuess,
  labelColumns,
  namedLabels,
  ratingColumn,
  scenarioColumn,
  timeColumn,
  userColumn,
} from './roles.ts';

/** Why things are as they are, in the order of what they explain. */
export interface Reasons {
  from: string;
  joins: string[];
  fields: string[];
  /** Columns that are no field, with the reason. */
  left: string[];
  scenario: string;
  tasks: string[];
  group: string;
  split: string;
}

type Field = DatasetInput['fields'][number];
type Join = NonNullable<DatasetInput['joins']>[number];

/** Throws INIT_NO_LABEL, INIT_NO_JOIN. */
export async function propose(
  connection: DuckDBConnection,
  sources: SourceProfile[],
): Promise<{ config: DatasetInput; reasons: Reasons }> {
  const base = baseOf(sources);
  const others = sources.filter((s) => s !== base);
  const { joins, reasons: joined } = await proposeJoins(connection, base, others);
  const keys = new Set(joins.flatMap((j) => Object.values(j.on).map((column) => `${j.source}.${column}`)));
  const columns = [base, ...others].flatMap((s) => s.columns).filter((c) => !keys.has(`${c.source}.${c.name}`));
  const own = columns.filter((c) => c.source === base.name);
  const reference = (c: ColumnProfile): string => {
    const unique = columns.filter((other) => same(other.name, c.name)).length === 1;
    return unique ? identifier(c.name) : `${identifier(c.source)}.${identifier(c.name)}`;
  };

  const tasks = await proposeTasks(connection, base, own);
  const time = timeColumn(own.filter((c) => !tasks.columns.includes(c)));
  const group = userColumn(own, base.rows);
  const scenario = await proposeScenario(
    connection,
    columns.filter((c) => !tasks.columns.includes(c)),
    reference,
  );
  const used = [...tasks.columns, ...(time === undefined ? [] : [time])];
  const isKey = (c: ColumnProfile): boolean =>
    c === group || (c.source === base.name && joins.some((j) => Object.hasOwn(j.on, c.name)));
  const { fields, reasons, left } = proposeFields(
    columns.filter((c) => !used.includes(c)),
    { reference, isKey, rows: (source) => sources.find((s) => s.name === source)?.rows ?? 0 },
  );
  const config: DatasetInput = {
    name: base.name,
    sources: Object.fromEntries(sources.map((s) => [s.name, s.config])),
    ...(sources.length > 1 && { from: base.name, joins }),
    fields,
    scenario: scenario.value,
    tasks: tasks.value,
    ...(group !== undefined && { group: reference(group) }),
    split: time === undefined ? { kind: 'random', seed: 2021 } : { kind: 'time', column: reference(time) },
  };
  return {
    config,
    reasons: {
      from: `${base.name} has the labels: its ${base.rows.toLocaleString('en-US')} rows are the examples`,
      joins: joined,
      fields: reasons,
      left,
      scenario: scenario.because,
      tasks: tasks.because,
      group: 'grouped AUC ranks within each user',
      split:
        time === undefined
          ? 'no column of times found: rows are split by chance'
          : `train on the earliest 80 %, test on the latest 10 % (from ${time.least} to ${time.most})`,
    },
  };
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

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

/** Joins each source by a column that it shares with the base and that is unique in it. */
async function proposeJoins(
  connection: DuckDBConnection,
  base: SourceProfile,
  others: SourceProfile[],
): Promise<{ joins: Join[]; reasons: string[] }> {
  const joins: Join[] = [];
  const reasons: string[] = [];
  for (const other of others) {
    const pairs = other.columns.flatMap((right) => {
      const names = [right.name, ...(same(right.name, 'id') ? idNames(other.name) : [])];
      const left = base.columns.find((c) => names.some((name) => same(name, c.name)));
      return left === undefined ? [] : [{ left, right }];
    });
    const unique = await findUnique(connection, other, pairs);
    if (unique === undefined)
      throw error('INIT_NO_JOIN', {
        file: [other.config.path].flat().join(', '),
        base: [base.config.path].flat().join(', '),
        columns: other.columns.map((c) => c.name),
        available: base.columns.map((c) => c.name),
      });
    joins.push({ source: other.name, on: { [unique.left.name]: unique.right.name }, kind: 'left' });
    reasons.push(`${unique.right.name} is unique in ${other.name}`);
  }
  return { joins, reasons };
}

/** What another table may call the id of this one: users.id is user_id elsewhere. */
const idNames = (source: string): string[] => [`${source}_id`, `${source.replace(/s$/, '')}_id`];

async function findUnique<P extends { right: ColumnProfile }>(
  connection: DuckDBConnection,
  source: SourceProfile,
  pairs: P[],
): Promise<P | undefined> {
  for (const pair of pairs) {
    const column = identifier(pair.right.name);
    const { n, d } = await queryOne(
      connection,
      `SELECT count(${column}) AS n, count(DISTINCT ${column}) AS d FROM ${viewOf(source.name)}`,
      `looking at source "${source.name}"`,
    );
    if (Number(n) > 0 && n === d) return pair;
  }
  return undefined;
}

async function proposeTasks(
  connection: DuckDBConnection,
  base: SourceProfile,
  columns: ColumnProfile[],
): Promise<{ value: DatasetInput['tasks']; because: string[]; columns: ColumnProfile[] }> {
  const labels = labelColumns(columns);
  const rating = labels.length === 0 ? ratingColumn(columns) : undefined;
  const value = labels.map((c) => ({ name: validName(c.name), label: identifier(c.name) }));
  if (rating !== undefined) {
    const { cut } = await queryOne(
      connection,
      `SELECT quantile_disc(${identifier(rating.name)}, 0.5)::DOUBLE AS cut FROM ${viewOf(base.name)}`,
      'looking for labels',
    );
    // Above the middle mark, but never above all.
    const above = Math.min(Number(cut), Number(rating.most) - 1);
    value.push({ name: validName(`high_${rating.name}`), label: `${identifier(rating.name)} > ${above}` });
  }
  const rates = await queryOne(
    connection,
    `SELECT ${value.map((t, i) => `avg((${t.label})::INTEGER) AS r${i}`).join(', ')} FROM ${viewOf(base.name)}`,
    'looking at the labels',
  );
  const what = rating === undefined ? 'values 0 and 1 and the name of a label' : 'a mark cut at its middle';
  const because = value.map((_, i) => `${what}; ${(100 * Number(rates[`r${i}`])).toFixed(1)} % are 1`);
  return { value, because, columns: rating === undefined ? labels : [rating] };
}

async function proposeScenario(
  connection: DuckDBConnection,
  columns: ColumnProfile[],
  reference: (c: ColumnProfile) => string,
): Promise<{ value: DatasetInput['scenario']; because: string }> {
  const column = scenarioColumn(columns);
  if (column === undefined)
    return {
      value: { expression: "'all'", values: ['all'] },
      because: 'no column of 2 to 20 values has the name of a scenario: all rows are one scenario',
    };
  const found = await query(
    connection,
    `SELECT ${identifier(column.name)}::VARCHAR AS value, count(*) AS n FROM ${viewOf(column.source)}
     WHERE ${identifier(column.name)} IS NOT NULL GROUP BY ALL ORDER BY n DESC, value`,
    'looking for scenarios',
  );
  const values = found.map(({ value }) => (/INT/.test(column.type) ? Number(value) : String(value)));
  const missing =
    column.missing > 0 ? `; ${(100 * column.missing).toFixed(1)} % of the rows have none and are left out` : '';
  const because = `${values.length} values and the name of a scenario, largest first${missing}`;
  return { value: { expression: reference(column), values }, because };
}

function proposeFields(
  columns: ColumnProfile[],
  about: {
    reference: (c: ColumnProfile) => string;
    isKey: (c: ColumnProfile) => boolean;
    rows: (source: string) => number;
  },
): { fields: Field[]; reasons: string[]; left: string[] } {
  const fields: Field[] = [];
  const reasons: string[] = [];
  const left: string[] = [];
  for (const column of columns) {
    const { value: guess, because } = fieldGuess(column, about.rows(column.source), about.isKey(column));
    if (guess === undefined) {
      left.push(`${column.name} ${because}`);
      continue;
    }
    const plain = validName(column.name);
    const name = fields.some((f) => f.name === plain) ? validName(`${column.source}_${column.name}`) : plain;
    const expression = about.reference(column);
    const field = { name, ...(expression !== identifier(name) && { expression }) };
    fields.push(
      guess.kind === 'numeric'
        ? { kind: 'numeric', ...field, buckets: { quantiles: guess.quantiles } }
        : { ...guess, ...field },
    );
    reasons.push(because);
  }
  return { fields, reasons, left };
}
