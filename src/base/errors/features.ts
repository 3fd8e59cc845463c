import { EXIT, entry } from './entry.ts';

const list = (names: readonly string[]): string => names.join(', ') || 'none';

export const FEATURE_ERRORS = {
  FEATURES_OFF: entry(
    EXIT.usage,
    404,
    () => 'this service has no tables of features',
    'Add the block features to its serving configuration',
  ),
  FEATURES_ARTIFACT: entry(
    EXIT.artifact,
    422,
    (d: { model: string }) => `the artifact of ${d.model} does not say how its data were prepared`,
    'Export it again with this version, or serve it without tables of features (features.tables.NAME.models)',
  ),
  FEATURES_SOURCE: entry(
    EXIT.usage,
    422,
    (d: { table: string; found?: string; sources: string[] }) =>
      d.found === undefined
        ? `the table ${d.table} could stand for several sources of the data: ${list(d.sources)}`
        : `the table ${d.table} stands for the source ${d.found}, and the data have the sources ${list(d.sources)}`,
    (d) => `Name one of them: features.tables.${d.table}.source`,
  ),
  FEATURES_TABLE: entry(
    EXIT.data,
    422,
    (d: { table: string; code: string; reason: string }) => `the table ${d.table} cannot be read: ${d.reason}`,
    { onPage: 'The message says what is wrong with it, and what to do' },
  ),
  FEATURES_COLUMN: entry(
    EXIT.data,
    422,
    (d: { table: string; column: string; near?: string; columns: string[] }) =>
      `the table ${d.table} has no column ${d.column} with its ids${d.near === undefined ? '' : `; the nearest is ${d.near}`}: it has ${list(d.columns)}`,
    (d) => `Correct features.tables.${d.table}.on`,
  ),
  FEATURES_DUPLICATE: entry(
    EXIT.data,
    422,
    (d: { table: string; column: string; value: string; rows: number; duplicated: number }) =>
      `${d.duplicated} ids of the table ${d.table} have several rows: ${d.column} is ${JSON.stringify(d.value)} in ${d.rows}`,
    'Keep one row for each id',
  ),
  FEATURES_FIELD_UNKNOWN: entry(
    EXIT.usage,
    422,
    (d: { table: string; field: string; model: string; near?: string }) =>
      `the table ${d.table} is to give the field ${d.field}, which ${d.model} does not have${d.near === undefined ? '' : `; the nearest is ${d.near}`}`,
    (d) => `Correct features.tables.${d.table}.fields`,
  ),
  FEATURES_FIELD: entry(
    EXIT.data,
    422,
    (d: { field: string; model: string; expression: string; reason: string }) =>
      `no table alone gives the field ${d.field} of ${d.model} (${d.expression}): ${d.reason}`,
    (d) =>
      `Put all columns that it needs into one table, or compute it in the requests and say so: features.sent: [${d.field}]`,
  ),
  FEATURES_FIELD_TWICE: entry(
    EXIT.usage,
    422,
    (d: { field: string; model: string; tables: string[] }) =>
      `several tables give the field ${d.field} of ${d.model}: ${list(d.tables)}`,
    'List the fields of each table: features.tables.NAME.fields',
  ),
  FEATURES_NOTHING: entry(
    EXIT.usage,
    422,
    (d: { table: string; model: string; columns: string[]; needed: string[] }) =>
      `the table ${d.table} gives no field of ${d.model}: it has the columns ${list(d.columns)}, and the expressions of the fields need ${list(d.needed)}`,
    (d) => `Correct its path or source, or name the models that it is for: features.tables.${d.table}.models`,
  ),
  FEATURES_TOO_LARGE: entry(
    EXIT.environment,
    422,
    (d: { table: string; bytes: number; rows: number; limit: number }) =>
      `the table ${d.table} with its ${d.rows} rows would take ${d.bytes} bytes in each process, at most ${d.limit} are allowed`,
    'Leave out rows that nobody asks for, or raise features.maxBytes',
  ),
  FEATURES_CHANGED: entry(
    EXIT.environment,
    503,
    (d: { table: string; path: string }) => `${d.path} of the table ${d.table} changed while it was read`,
    'Write files under another name and rename them; then refresh again',
  ),
  FEATURES_REFRESH: entry(
    EXIT.environment,
    503,
    (d: { reason: string }) => `the tables stay as they were: ${d.reason}`,
    'Try again; loadSeconds is the time that reading them may take',
  ),
} as const;
