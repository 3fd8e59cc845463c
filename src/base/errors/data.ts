import { EXIT, entry } from './entry.ts';

const list = (items: string[], max = 40): string =>
  items.length <= max ? items.join(', ') : `${items.slice(0, max).join(', ')} and ${items.length - max} more`;

const fileSize = (bytes: number): string =>
  bytes < 1e6
    ? `${Math.ceil(bytes / 1e3)} kB`
    : bytes < 1e9
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${(bytes / 1e9).toFixed(1)} GB`;

export const DATA_ERRORS = {
  DATA_COLUMNS_MISSING: entry(
    EXIT.data,
    400,
    (d: { missing: { column: string; usedBy: string; nearest?: string }[]; available: string[] }) =>
      `${d.missing.length === 1 ? 'a column is' : `${d.missing.length} columns are`} not in the data:\n` +
      d.missing
        .map(
          (m) =>
            `  "${m.column}" (used by ${m.usedBy})${m.nearest === undefined ? '' : `: did you mean "${m.nearest}"?`}`,
        )
        .join('\n') +
      `\nColumns there: ${list(d.available)}`,
    { onPage: 'Correct the names in the configuration. Letter case counts' },
  ),
  DATA_EXPRESSION_INVALID: entry(
    EXIT.data,
    400,
    (d: { usedBy: string; expression: string; reason: string }) =>
      `${d.usedBy}: the expression ${d.expression} cannot be used: ${d.reason}`,
    { onPage: 'An expression is one SQL value over the columns and sources of the configuration (docs/data.md)' },
  ),
  DATA_FILE_EMPTY: entry(
    EXIT.data,
    400,
    (d: { path: string; source: string }) => `${d.path} (source "${d.source}") is empty: expected at least one row`,
    { onPage: 'Write the file again, or leave it out of the source' },
  ),
  DATA_FILES_MISSING: entry(
    EXIT.usage,
    404,
    (d: { source: string; pattern: string; folder: string }) =>
      `source "${d.source}": no file matches ${d.pattern} in ${d.folder}`,
    'Check the path in the configuration and the source folder',
  ),
  RECIPE_FILES_MISSING: entry(
    EXIT.usage,
    404,
    (d: {
      recipe: string;
      folder: string;
      where: string;
      missing: { path: string; orPath?: string; content: string; bytes: number }[];
    }) =>
      `the recipe ${d.recipe} needs files that are missing or empty in ${d.folder}:\n${d.missing
        .map(
          (f) =>
            `  ${f.path}${f.orPath === undefined ? '' : ` or ${f.orPath}`} (${f.content}; about ${fileSize(f.bytes)})`,
        )
        .join('\n')}\n`,
    (d) => `Get them from ${d.where} and name their folder with --source`,
  ),
  DATA_CSV_ROW: entry(
    EXIT.data,
    400,
    (d: { path: string; line: number; expected: number; found: number; delimiter: string; text: string }) =>
      `${d.path}, line ${d.line}: ${d.found} column${d.found === 1 ? '' : 's'} found, ${d.expected} expected, ` +
      `with the delimiter ${JSON.stringify(d.delimiter)}. The line: ${JSON.stringify(d.text)}`,
    (d) =>
      `${d.found === 1 ? 'The delimiter may be wrong: set' : 'Correct the line, or set'} "delimiter" (or "quote") of the source`,
  ),
  DATA_CSV_INVALID: entry(
    EXIT.data,
    400,
    (d: { path: string; line?: number; reason: string }) =>
      `${d.path}${d.line === undefined ? '' : `, line ${d.line}`}: not readable as CSV: ${d.reason}`,
    'Check "delimiter", "quote" and "header" of the source',
  ),
  DATA_CSV_COLUMNS: entry(
    EXIT.data,
    400,
    (d: { path: string; found: string[]; expected: string[]; because: string }) =>
      `${d.path} has the columns ${list(d.found)}; expected ${list(d.expected)} (${d.because})`,
    { onPage: 'Give all files of the source the same columns, or make them two sources' },
  ),
  DATA_ENCODING: entry(
    EXIT.data,
    400,
    (d: { path: string; line: number; byte?: number; expected: string; found?: string }) =>
      `${d.path}, line ${d.line}${d.byte === undefined ? '' : ` (byte ${d.byte})`}: ${d.found ?? 'a byte'} is not valid ${d.expected}`,
    'Correct it or save the file as UTF-8 (in Excel as "CSV UTF-8"), or set "encoding" of the source to latin-1 or utf-16',
  ),
  DATA_FILE_KIND: entry(
    EXIT.data,
    400,
    (d: { path: string; expected: string; found: string; advice: string }) =>
      `${d.path} is ${d.found}; expected ${d.expected}`,
    (d) => d.advice,
  ),
  DATA_FOLDER: entry(
    EXIT.data,
    400,
    (d: { path: string; source: string; found: string; advice: string }) =>
      `${d.path} (source "${d.source}") is a folder with ${d.found}`,
    (d) => d.advice,
  ),
  DATA_FORMATS_DIFFER: entry(
    EXIT.data,
    400,
    (d: { source: string; files: string[]; formats: string[] }) =>
      `source "${d.source}" has files of different formats: ${d.files.map((file, i) => `${file} (${d.formats[i]})`).join(', ')}`,
    'Make them two sources, or set "format" of the source',
  ),
  DATA_TYPES_DIFFER: entry(
    EXIT.data,
    400,
    (d: { source: string; column: string; types: { type: string; file: string }[] }) =>
      `source "${d.source}": the column "${d.column}" has types without a common type that keeps all values: ` +
      d.types.map(({ type, file }) => `${type} in ${file}`).join(', '),
    'Write the files with one type',
  ),
  DATA_VALUE_TYPE: entry(
    EXIT.data,
    400,
    (d: { column: string; type: string; usedBy: string } & BadRows) =>
      `the column "${d.column}" is ${JSON.stringify(d.value)} in ${where(d)}; it was ${d.type} in training, and ${d.usedBy} computes with it`,
    'Correct the value, or prepare and train with data that have such values',
  ),
  PREDICT_OUTPUT_FORMAT: entry(
    EXIT.usage,
    400,
    (d: { path: string }) => `cannot tell the format of ${d.path} by its name`,
    'Let the name end in .parquet, .csv, .tsv or .jsonl (the last three also with .gz)',
  ),
  PREDICT_OUTPUT_OCCUPIED: entry(
    EXIT.usage,
    409,
    (d: { path: string; found: string; canForce: boolean }) =>
      `${d.path} exists and is ${d.found}: it is left as it is`,
    (d) => `Choose another --output${d.canForce ? ', or replace the file with --force' : ''}`,
  ),
  PREDICT_OUTPUT_INPUT: entry(
    EXIT.usage,
    409,
    (d: { path: string; input: string }) => `the output ${d.path} is the input file ${d.input}: it is left as it is`,
    'Choose another --output',
  ),
  DATA_ENCODING_UNSUPPORTED: entry(
    EXIT.data,
    400,
    (d: { path: string; found: string }) => `${d.path} is ${d.found}, which cannot be read`,
    'Convert the file to UTF-8',
  ),
  DATA_FILE_DAMAGED: entry(
    EXIT.data,
    400,
    (d: { path: string; format: string; reason: string }) => `${d.path} cannot be read as ${d.format}: ${d.reason}`,
    'It may be truncated or damaged: fetch or write it again',
  ),
  DATA_JOIN_DUPLICATE: entry(
    EXIT.data,
    400,
    (d: { source: string; key: string; value: string; rows: number; duplicated: number }) =>
      `source "${d.source}" cannot be joined: ${d.key} must be unique there, but ${d.duplicated} value` +
      `${d.duplicated === 1 ? ' occurs' : 's occur'} more than once (for example ${d.value}, ${d.rows} rows)`,
    { onPage: 'Keep one row for each key in the joined source, or join over more columns' },
  ),
  DATA_JOIN_ROWS: entry(
    EXIT.data,
    400,
    (d: { source: string; rows: number; baseRows: number }) =>
      `the joins make ${d.rows} rows out of ${d.baseRows} rows of source "${d.source}": expected each row once`,
    'Make the keys of the joined sources unique',
  ),
  DATA_FAILED: entry(EXIT.data, 400, (d: { doing: string; reason: string }) => `${d.doing} failed: ${d.reason}`, {
    onPage: 'The message ends with the reason that the database reports: correct the data or the configuration there',
  }),
  DATA_ACCESS_REFUSED: entry(
    EXIT.data,
    403,
    (d: { doing: string; path?: string }) =>
      `${d.doing} tries to open ${d.path ?? 'what it may not'}: only the files that the configuration names as sources are opened`,
    { onPage: 'Declare the file as a source. Expressions cannot open files' },
  ),
  DATA_MEMORY: entry(
    EXIT.environment,
    507,
    (d: { doing: string; memoryLimit: string }) => `${d.doing} needs more memory than ${d.memoryLimit}`,
    'Allow more with --memory-limit',
  ),
  DATA_MEMORY_LIMIT_INVALID: entry(
    EXIT.usage,
    400,
    (d: { found: string }) => `memory limit "${d.found}" is not a size`,
    'Give a number with a unit, such as 512MB or 2GB',
  ),
  DATA_FIELD_TYPE: entry(
    EXIT.data,
    400,
    (d: { field: string; kind: string; type: string; expected: string }) =>
      `field "${d.field}" is ${d.kind}, but its expression gives ${d.type}: expected ${d.expected}`,
    { onPage: 'Change the kind of the field, or cast in its expression' },
  ),
  DATA_LABEL_INVALID: entry(
    EXIT.data,
    400,
    (d: { task: string; label: string } & BadRows) =>
      `task "${d.task}": the label ${d.label} gives ${d.value} in ${where(d)}; expected 0, 1, true, false or NULL`,
    { onPage: 'Compare in the expression (`rating >= 4`), or name the texts that mean no value in nullValues' },
  ),
  DATA_SCENARIO_UNKNOWN: entry(
    EXIT.data,
    400,
    (d: { values: string[] } & BadRows) =>
      `the scenario is ${d.value} in ${where(d)}; expected one of ${list(d.values)}, or NULL to leave the row out`,
    'Add it to scenario.values, or filter with "where"',
  ),
  DATA_WEIGHT_INVALID: entry(
    EXIT.data,
    400,
    (d: BadRows) =>
      `the weight is ${d.value} in ${where(d)}; expected a number above 0, from 1.2e-38 to 3.4e38, in every row`,
    { onPage: 'Correct the weights, or the expression that computes them' },
  ),
  DATA_SPLIT_VALUE: entry(
    EXIT.data,
    400,
    (d: { expected: string } & BadRows) => `the split is ${d.value} in ${where(d)}; expected ${d.expected}`,
    { onPage: 'Correct the values, or the expression of the split' },
  ),
  DATA_NO_ROWS: entry(
    EXIT.data,
    400,
    (d: { where?: string; scenario: string; time?: string }) =>
      `no row is left: expected rows with a scenario (${d.scenario})${d.time === undefined ? '' : ` and a time (${d.time})`}` +
      (d.where === undefined ? '' : ` for which ${d.where} is true`),
    { onPage: 'Check "where", the scenario and the time: `tributary validate` counts the rows that each leaves out' },
  ),
  DATA_TIME_TEXT: entry(
    EXIT.data,
    400,
    (d: {
      usedBy: string;
      expression: string;
      formats: { format: string; example: string; rows: number }[];
      more: number;
    }) =>
      `${d.usedBy}: ${d.expression} gives texts whose order in time is not certain. Found ` +
      d.formats
        .map((f) => `${f.format}, such as ${JSON.stringify(f.example)} (${f.rows} row${f.rows === 1 ? '' : 's'})`)
        .join('; ') +
      `${d.more === 0 ? '' : `; and ${d.more} more formats`}. Expected times of one kind: YYYY-MM-DD, with or without hh:mm:ss, T, ` +
      `fractions of seconds, Z or an offset; or numbers`,
    (d) =>
      `Make times of them, such as ` +
      `strptime(${d.expression}, '%d/%m/%Y %H:%M:%S'), or of several formats try_strptime(${d.expression}, ['%d/%m/%Y', '%Y-%m-%d'])`,
  ),
  DATA_PART_EMPTY: entry(
    EXIT.data,
    400,
    (d: { part: string }) => `the ${d.part} part of the split has no row: expected at least one`,
    { onPage: 'Change the shares or the borders of the split' },
  ),
  DATA_OUT_OCCUPIED: entry(
    EXIT.usage,
    409,
    (d: { path: string; found?: string }) =>
      `${
        d.found === undefined
          ? `${d.path} exists and is not a prepared data set`
          : `${d.path} holds ${d.found}, which \`tributary prepare\` did not write`
      }: it is left as it is`,
    'Choose another --out, or move that away first',
  ),
  DATA_NOT_PREPARED: entry(
    EXIT.usage,
    404,
    (d: { path: string; reason: string }) => `${d.path} is not a prepared data set (${d.reason})`,
    'Make one with: tributary prepare',
  ),
  DATA_VERSION: entry(
    EXIT.data,
    422,
    (d: { path: string; found: unknown; expected: string }) =>
      `${d.path} was prepared in layout ${String(d.found)}; this program reads layouts ${d.expected}`,
    'Run tributary prepare again',
  ),
  DATA_VOCABULARY_MISMATCH: entry(
    EXIT.usage,
    400,
    (d: { field: string; folder: string; found: string; expected: string }) =>
      `field "${d.field}" cannot continue the vocabulary of ${d.folder}: there it is ${d.found}, here ${d.expected}`,
    { onPage: 'Give the field the kind and the tokens that it has in that folder, or leave out --vocabulary-from' },
  ),
  SEQUENCE_INVALID: entry(
    EXIT.data,
    400,
    (d: { type: string; found: string; expected: string }) =>
      `sequence "${d.type}": found ${d.found}; expected ${d.expected}`,
    { onPage: 'Send each event of the sequence with the fields that the model was trained with' },
  ),
  ROW_VALUE_INVALID: entry(
    EXIT.data,
    400,
    (d: { field: string; found: string }) =>
      `field "${d.field}": found ${d.found}; expected a text, a number, true, false or null (a list of them for a multi-value field)`,
    { onPage: 'Correct the value of the field' },
  ),
} as const;

export interface BadRows {
  value: string;
  source: string;
  row: number;
  count: number;
}

const where = (d: BadRows): string =>
  `row ${d.row} of source "${d.source}"${d.count === 1 ? '' : ` and in ${d.count - 1} more row${d.count === 2 ? '' : 's'}`}`;
