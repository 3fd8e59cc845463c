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
    (d: { file: string; base: string; columns: string[]; available: string[] }) =>
      `${d.file} shares no column with ${d.base} that is unique in it, so the two cannot be joined. ` +
      `Its columns: ${d.columns.join(', ')}; columns of ${d.base}: ${d.available.join(', ')}`,
  ),
} as const;
