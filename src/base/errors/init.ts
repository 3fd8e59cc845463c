import { EXIT, entry } from './entry.ts';

export const INIT_ERRORS = {
  INIT_NO_LABEL: entry(
    EXIT.data,
    400,
    (d: { files: string[]; columns: string[] }) =>
      `no column of ${d.files.join(', ')} looks like a label: expected one with the values 0 and 1 or a rating. ` +
      `Columns there: ${d.columns.join(', ')}`,
    'Add one, or write the configuration by hand',
  ),
  INIT_NO_JOIN: entry(
    EXIT.data,
    400,
    (d: { file: string; base: string; columns: string[]; available: string[]; shared: string[] }) =>
      (d.shared.length === 0
        ? `${d.file} shares no column with ${d.base}, so the two cannot be joined. `
        : `${d.file} shares ${d.shared.join(', ')} with ${d.base}, but no row of ${d.base} finds its value there, so the two cannot be joined. `) +
      `Its columns: ${d.columns.join(', ')}; columns of ${d.base}: ${d.available.join(', ')}`,
    { onPage: 'Give both files a column with the same name and values, or leave the file out' },
  ),
  INIT_JOIN_DUPLICATES: entry(
    EXIT.data,
    400,
    (d: { file: string; base: string; column: string; values: number; examples: { value: string; rows: number }[] }) =>
      `${d.file} shares ${d.column} with ${d.base}, but ${d.column} is not unique in it: ${d.values} ${d.values === 1 ? 'value occurs' : 'values occur'} ` +
      `more than once, such as ${d.examples.map(({ value, rows }) => `${JSON.stringify(value)} (${rows} rows)`).join(', ')}. ` +
      'Joined, each of them would multiply rows',
    'Keep one row for each value and run the command again',
  ),
  INIT_NO_FIELD: entry(
    EXIT.data,
    400,
    (d: { files: string[]; columns: string[] }) =>
      `no column of ${d.files.join(', ')} can be a field:\n${d.columns.map((column) => `  ${column}`).join('\n')}\n`,
    'Add columns that are known before the user acts, or write the configuration by hand',
  ),
  INIT_OUT_NAME: entry(
    EXIT.usage,
    400,
    (d: { path: string }) => `${d.path} is not the name of a configuration`,
    'Let the name end in .yaml, .yml or .json',
  ),
  INIT_OUT_EXISTS: entry(
    EXIT.usage,
    409,
    (d: { path: string; isInput: boolean }) =>
      d.isInput ? `${d.path} is one of the input files` : `${d.path} exists already`,
    (d) => `Choose another --out${d.isInput ? '' : ', or give --force to overwrite it'}`,
  ),
} as const;
