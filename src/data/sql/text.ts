/** Names, texts and paths as parts of SQL. */

/** `"name"`, for columns and tables. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `'text'`. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** `'path'` of one file for DuckDB's readers, which take `*`, `?` and `[` for patterns. */
export const filePath = (path: string): string => literal(asPattern(path));

export const asPattern = (path: string): string => path.replaceAll(/[*?[]/g, '[$&]');

/** An expression of the user as part of a query; a comment at its end cannot swallow what follows. */
export const embed = (sql: string): string => `(${sql}\n)`;

/** Is it the same name? Letter case does not count. */
export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
