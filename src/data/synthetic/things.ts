/** The users and items of a world: their fields are functions of their number, in TypeScript and in SQL alike. */
import { bits, bitsSql, mixedSql, type Stream, streams } from './hash.ts';
import { FLOWS, LEVELS } from './planted.ts';

const USER_FIELDS = FLOWS.map((f) => f.userField);
const ITEM_FIELDS = FLOWS.map((f) => f.itemField);
/** Tags that say nothing about any label, next to the one that repeats the topic. */
const OTHER_TAGS = 40;
/** A level is three bits of a hash. */
const LEVEL_BITS = 3;

export interface Things {
  /** Levels (0..7) of user or item `index` in the order of the flows. */
  userLevels(index: number): number[];
  itemLevels(index: number): number[];
  /** Field values, as they stand in the files. */
  userFields(index: number): Record<string, number | string>;
  itemFields(index: number): Record<string, number | string>;
}

interface ThingStreams {
  user: Record<'levels', Stream>;
  item: Record<'levels' | 'price' | 'tags', Stream>;
}

const thingStreams = (seed: number): ThingStreams => ({
  user: streams(seed, 'user', ['levels']),
  item: streams(seed, 'item', ['levels', 'price', 'tags']),
});

export function things(seed: number): Things {
  const { user, item } = thingStreams(seed);
  const levels = (stream: Stream, index: number): number[] => {
    const drawn = bits(stream, index);
    return FLOWS.map((_, k) => (drawn >>> (LEVEL_BITS * k)) % LEVELS);
  };
  const named = (fields: readonly string[], values: number[]): [string, number][] =>
    fields.map((field, k) => [field, values[k]]);
  return {
    userLevels: (index) => levels(user.levels, index),
    itemLevels: (index) => levels(item.levels, index),
    userFields: (index) => ({ user_id: index, ...Object.fromEntries(named(USER_FIELDS, levels(user.levels, index))) }),
    itemFields(index) {
      const own = levels(item.levels, index);
      // Whole cents, so that SQL and TypeScript cannot round differently. Dearer tiers, much overlap.
      const price = (100 + (bits(item.price, index) % 900) * (own[2] + 1)) / 100;
      const drawn = bits(item.tags, index);
      const others = [8, 16].slice(0, drawn % 3).map((shift) => `tag_${(drawn >>> shift) % OTHER_TAGS}`);
      const tags = [`topic_${own[0]}`, ...others].join('|');
      return { item_id: index, ...Object.fromEntries(named(ITEM_FIELDS, own)), price, tags };
    },
  };
}

/**
 * The same in SQL: `SELECT *, fields, u0..u3 and i0..i3` (the levels) for rows that have user_id and item_id. Nothing is
 * joined: no number of users takes memory, and rows keep their order.
 */
export function thingsSql(seed: number, rows: string): string {
  const { user, item } = thingStreams(seed);
  const level = (of: string, k: number): string => `((${of}_bits >> ${LEVEL_BITS * k}) % ${LEVELS})::INTEGER`;
  const tag = (shift: number): string => `'|tag_' || ((tag_bits >> ${shift}) % ${OTHER_TAGS})`;
  return `
    SELECT *, ${FLOWS.map((f, k) => `u${k} AS ${f.userField}, i${k} AS ${f.itemField}`).join(', ')},
      (100 + (price_bits % 900)::INTEGER * (i2 + 1)) / 100 AS price,
      'topic_' || i0 || CASE tag_bits % 3 WHEN 0 THEN '' WHEN 1 THEN ${tag(8)} ELSE ${tag(8)} || ${tag(16)} END AS tags
    FROM (
      SELECT *, ${FLOWS.map((_, k) => `${level('user', k)} AS u${k}, ${level('item', k)} AS i${k}`).join(', ')}
      FROM (
        SELECT *, ${bitsSql('user_mixed', user.levels)} AS user_bits, ${bitsSql('item_mixed', item.levels)} AS item_bits,
          ${bitsSql('item_mixed', item.price)} AS price_bits, ${bitsSql('item_mixed', item.tags)} AS tag_bits
        FROM (
          SELECT *, ${mixedSql('user_id::UBIGINT', user.levels)} AS user_mixed,
            ${mixedSql('item_id::UBIGINT', item.levels)} AS item_mixed
          FROM (${rows}))))`;
}
