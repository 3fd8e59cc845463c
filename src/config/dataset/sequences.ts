/** Behaviour sequences: what of a user's earlier rows belongs to a row. */
import { z } from 'zod';
import { distinctNames, name, sql } from './names.ts';

/** Of a row's key (the user), the items of the last rows before the row's time: one sequence for each type of behaviour. */
export const sequences = z.strictObject({
  /** SQL: whose sequences they are. Rows without a key or a time have empty ones and feed none. */
  key: sql,
  /** SQL: a number, date, time, or a text that says one. Equal times are not earlier. */
  time: sql,
  /** The categorical field that is the item; sequences share its vocabulary. */
  item: name,
  /** Items of a sequence at most, the latest ones. */
  length: z.int().min(1).max(512).default(20),
  /** Name of a type -> SQL condition: which rows count for it. */
  types: z
    .record(name, sql)
    .refine((types) => Object.keys(types).length > 0, 'name at least one type')
    .superRefine(distinctNames('types', Object.keys)),
});
