/** Columns out of the names of folders: `place=home/part-0.csv` says that all rows of the file have the place home. */

import { isDate } from '../../base/times.ts';
import { bindText, type Part, typedText } from '../formats/bind.ts';
import type { Reading } from '../formats/columns.ts';
import { FILE } from '../formats/format.ts';
import { literal } from '../sql/text.ts';

/** What stands for NULL in the name of a folder. */
const NO_VALUE = '__HIVE_DEFAULT_PARTITION__';

/**
 * Columns out of folders that are named `column=value`, as Hive and Spark name them, of all files; a column of the files
 * themselves wins. Values are texts, or integers and dates where all are.
 */
export function partitionColumns(files: string[], own: string[], { bound }: Reading): Part[] {
  const taken = new Set(own.map((name) => name.toLowerCase()));
  const found = new Map<string, { name: string; values: Set<string> }>();
  for (const path of files)
    for (const folder of path.split(/[/\\]/).slice(0, -1)) {
      const [, name, value] = /^([^=]+)=(.*)$/.exec(folder) ?? [];
      if (name === undefined || taken.has(name.toLowerCase())) continue;
      const column = found.get(name.toLowerCase()) ?? { name, values: new Set() };
      found.set(name.toLowerCase(), column);
      if (value !== NO_VALUE && value !== '') column.values.add(value);
    }
  return [...found.values()].map(({ name, values }) => {
    const pattern = `^.*[/\\\\]${escaped(name)}=([^/\\\\]*)[/\\\\]`;
    const value = `nullif(nullif(regexp_extract(${FILE}, ${literal(pattern)}, 1, 's'), ''), '${NO_VALUE}')`;
    const text = `url_decode(${value})`;
    const known = bound?.(name);
    return known === undefined ? typedText(name, text, typeOf([...values])) : bindText(name, text, known);
  });
}

const escaped = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9_]/gu, (c) => `\\x{${c.codePointAt(0)?.toString(16)}}`);

/** A type from which every value can be had back. */
function typeOf(values: string[]): string {
  if (values.length === 0) return 'VARCHAR';
  if (values.every((value) => /^(0|-?[1-9][0-9]{0,17})$/.test(value))) return 'BIGINT';
  return values.every(isDate) ? 'DATE' : 'VARCHAR';
}
