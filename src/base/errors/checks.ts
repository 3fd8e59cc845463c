import { EXIT, entry } from './entry.ts';

const fileSize = (bytes: number): string =>
  bytes < 1e6
    ? `${Math.ceil(bytes / 1e3)} kB`
    : bytes < 1e9
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${(bytes / 1e9).toFixed(1)} GB`;

export const CHECK_ERRORS = {
  RECIPE_FILES_MISSING: entry(
    EXIT.usage,
    404,
    (d: {
      recipe: string;
      folder: string;
      where: string;
      missing: { path: string; orPath?: string; content: string; bytes: number }[];
    }) =>
      `the recipe ${d.recipe} needs files that are missing or empty in ${d.folder}:\n` +
      d.missing
        .map(
          (f) =>
            `  ${f.path}${f.orPath === undefined ? '' : ` or ${f.orPath}`} (${f.content}; about ${fileSize(f.bytes)})`,
        )
        .join('\n') +
      `\nGet them from ${d.where} and name their folder with --source`,
  ),
  INIT_NO_LABEL: entry(
    EXIT.data,
    400,
    (d: { files: string[]; columns: string[] }) =>
      `no column of ${d.files.join(', ')} looks like a label: expected one with the values 0 and 1 or a rating. ` +
      `Columns there: ${d.columns.join(', ')}. Add one, or write the configuration by hand`,
  ),
  INIT_NO_JOIN: entry(
    EXIT.data,
    400,
    (d: { file: string; base: string; columns: string[]; available: string[]; shared: string[] }) =>
      (d.shared.length === 0
        ? `${d.file} shares no column with ${d.base}, so the two cannot be joined. `
        : `${d.file} shares ${d.shared.join(', ')} with ${d.base}, but no row of ${d.base} finds its value there, so the two cannot be joined. `) +
      `Its columns: ${d.columns.join(', ')}; columns of ${d.base}: ${d.available.join(', ')}`,
  ),
  INIT_JOIN_DUPLICATES: entry(
    EXIT.data,
    400,
    (d: { file: string; base: string; column: string; values: number; examples: { value: string; rows: number }[] }) =>
      `${d.file} shares ${d.column} with ${d.base}, but ${d.column} is not unique in it: ${d.values} ${d.values === 1 ? 'value occurs' : 'values occur'} ` +
      `more than once, such as ${d.examples.map(({ value, rows }) => `${JSON.stringify(value)} (${rows} rows)`).join(', ')}. ` +
      'Joined, each of them would multiply rows. Keep one row for each value and run the command again',
  ),
  INIT_NO_FIELD: entry(
    EXIT.data,
    400,
    (d: { files: string[]; columns: string[] }) =>
      `no column of ${d.files.join(', ')} can be a field:\n${d.columns.map((column) => `  ${column}`).join('\n')}\n` +
      'Add columns that are known before the user acts, or write the configuration by hand',
  ),
  INIT_OUT_NAME: entry(
    EXIT.usage,
    400,
    (d: { path: string }) => `${d.path}: a configuration has a name that ends in .yaml, .yml or .json`,
  ),
  INIT_OUT_EXISTS: entry(EXIT.usage, 409, (d: { path: string; isInput: boolean }) =>
    d.isInput
      ? `${d.path} is one of the files to look at: choose another --out`
      : `${d.path} is there already: choose another --out, or give --force to overwrite it`,
  ),
} as const;
