/** Names in a dataset configuration. */
import { z } from 'zod';

/** An SQL expression over the columns of the joined sources (DuckDB's dialect), e.g. `rating > 3`. */
export const sql = z.string().min(1);

export const PROTOTYPE = 'the name __proto__ has a meaning of its own in JavaScript: choose another';

export const name = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name has letters, digits and underscores and does not start with a digit')
  .refine((text) => text !== '__proto__', PROTOTYPE);

interface Issues {
  addIssue(issue: { code: 'custom'; message: string }): void;
}

/**
 * A check that names differ, whatever their case: DuckDB takes `item` and `Item` for one column, the file systems of macOS
 * and Windows take them for one file. Each pair is reported.
 */
export function distinctNames<T>(
  what: string,
  namesIn: (value: T) => readonly string[],
): (value: T, context: Issues) => void {
  return (value, context) => {
    const names = namesIn(value);
    names.forEach((text, i) => {
      const first = names.findIndex((other) => other.toLowerCase() === text.toLowerCase());
      if (first === i) return;
      const message =
        names[first] === text
          ? `two ${what} have the same name: "${text}"`
          : `two ${what} have names that differ in case alone: "${names[first]}" and "${text}". Databases and file systems may take them for one: rename one of them`;
      context.addIssue({ code: 'custom', message });
    });
  };
}

export const namesOf = (entries: readonly { name: string }[]): string[] => entries.map((entry) => entry.name);
