/**
 * Behaviour sequences of a row, one for each type of behaviour: lists of items, oldest first. They are built from earlier rows of the same
 * key (the user), or rows bring them along.
 */
import { z } from 'zod';
import { distinctNames, name, sql } from './names.ts';

const byType = z
  .record(name, sql)
  .refine((types) => Object.keys(types).length > 0, 'name at least one type')
  .superRefine(distinctNames('types', Object.keys));

export const sequences = z
  .strictObject({
    /** SQL: whose sequences they are. Rows without a key or a time have empty ones and feed none. */
    key: sql.optional(),
    /** SQL: a number, date, time, or a text that says one. Equal times are not earlier. */
    time: sql.optional(),
    /** The categorical field that is the item; sequences share its vocabulary. */
    item: name,
    /** Items of a sequence at most, the latest ones. */
    length: z.int().min(1).max(512).default(20),
    /** Name of a type -> SQL condition: which rows count for it. */
    types: byType.optional(),
    /** In place of `key`, `time` and `types`. Name of a type -> SQL: the list itself, or a text with | between the items. */
    given: byType.optional(),
  })
  .superRefine((sequences, context) => {
    const say = (entry: string, message: string) => context.addIssue({ code: 'custom', path: [entry], message });
    for (const entry of ['key', 'time', 'types'] as const)
      if (sequences.given === undefined && sequences[entry] === undefined)
        say(entry, `is missing: expected ${WANTED[entry]}, or "given" in place of key, time and types`);
      else if (sequences.given !== undefined && sequences[entry] !== undefined)
        say(entry, 'rows bring their sequences ("given"): leave key, time and types out, or "given"');
  });

const WANTED = { key: 'text', time: 'text', types: 'conditions by type' };

export type SequencesConfig = z.output<typeof sequences>;

/** How they are built from earlier rows; undefined where rows bring them. */
export const builtOf = ({ key, time, types }: SequencesConfig) =>
  key === undefined || time === undefined || types === undefined ? undefined : { key, time, types };

/** Names of the types, in their order. */
export const sequenceTypes = ({ types, given }: SequencesConfig): string[] => Object.keys(given ?? types ?? {});
