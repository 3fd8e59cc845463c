/** The users and items of a world: their fields are functions of their number, in TypeScript and in SQL alike. */
import { mixedSql, type Stream, streams, uniform, uniformSql } from './hash.ts';
import { FLOWS, LEVELS } from './planted.ts';

const USER_FIELDS = FLOWS.map((f) => f.userField);
const ITEM_FIELDS = FLOWS.map((f) => f.itemField);
/** Tags that say nothing about any label, beside the one that repeats the topic. */
const OTHER_TAGS = 40;

/** Field values of an item, as they stand in the files. */
export interface ItemFields {
  item_id: number;
  price: number;
  tags: string;
  [field: string]: number | string;
}

export interface Things {
  /** Levels (0..7) of user or item `index` in the order of the flows. */
  userLevels(index: number): number[];
  itemLevels(index: number): number[];
  userFields(index: number): Record<string, number | string>;
  itemFields(index: number): ItemFields;
  /** SELECTs with one row per user: user_id, the fields, u0..u3 (levels * 8); and per item: ..., i0..i3 (levels). */
  usersSql(users: number): string;
  itemsSql(items: number): string;
}

export function things(seed: number): Things {
  const user = streams(seed, 'user', USER_FIELDS);
  const item = streams(seed, 'item', [...ITEM_FIELDS, 'price', 'tagCount', 'tag1', 'tag2']);
  const pick = (stream: Stream, index: number, n: number): number => Math.floor(uniform(stream, index) * n);
  const levels = (fields: readonly string[], of: Record<string, Stream>, index: number): number[] =>
    fields.map((field) => pick(of[field], index, LEVELS));

  const userLevels = (index: number): number[] => levels(USER_FIELDS, user, index);
  const itemLevels = (index: number): number[] => levels(ITEM_FIELDS, item, index);
  const named = (fields: readonly string[], values: number[]): [string, string][] =>
    fields.map((field, k) => [field, `${field}_${values[k]}`]);

  return {
    userLevels,
    itemLevels,
    userFields: (index) => ({ user_id: index, ...Object.fromEntries(named(USER_FIELDS, userLevels(index))) }),
    itemFields(index) {
      const own = itemLevels(index);
      // Whole cents, so that SQL and TypeScript cannot round differently. Dearer tiers, much overlap.
      const price = (100 + pick(item.price, index, 900) * (own[2] + 1)) / 100;
      const others = [item.tag1, item.tag2].slice(0, pick(item.tagCount, index, 3));
      const tags = [`topic_${own[0]}`, ...others.map((stream) => `tag_${pick(stream, index, OTHER_TAGS)}`)];
      return { item_id: index, ...Object.fromEntries(named(ITEM_FIELDS, own)), price, tags: tags.join('|') };
    },
    usersSql(users) {
      const level = (k: number): string => levelSql(user[USER_FIELDS[k]]);
      return `SELECT index::INTEGER AS user_id, ${USER_FIELDS.map((f, k) => `'${f}_' || ${level(k)} AS ${f}`).join(', ')},
        ${USER_FIELDS.map((_, k) => `${level(k)} * ${LEVELS} AS u${k}`).join(', ')} FROM ${mixedRange(users, user.taste)}`;
    },
    itemsSql(items) {
      const level = (k: number): string => levelSql(item[ITEM_FIELDS[k]]);
      const tag = (stream: Stream, at: number): string =>
        `CASE WHEN ${pickSql(item.tagCount, 3)} > ${at} THEN 'tag_' || ${pickSql(stream, OTHER_TAGS)} END`;
      return `SELECT index::INTEGER AS item_id, ${ITEM_FIELDS.map((f, k) => `'${f}_' || ${level(k)} AS ${f}`).join(', ')},
        (100 + ${pickSql(item.price, 900)} * (${level(2)} + 1)) / 100 AS price,
        concat_ws('|', 'topic_' || ${level(0)}, ${tag(item.tag1, 0)}, ${tag(item.tag2, 1)}) AS tags,
        ${ITEM_FIELDS.map((_, k) => `${level(k)} AS i${k}`).join(', ')} FROM ${mixedRange(items, item.topic)}`;
    },
  };
}

const mixedRange = (n: number, stream: Stream): string =>
  `(SELECT range AS index, ${mixedSql('range::UBIGINT', stream)} AS mixed FROM range(${n}))`;
const pickSql = (stream: Stream, n: number): string => `floor(${uniformSql('mixed', stream)} * ${n})::INTEGER`;
const levelSql = (stream: Stream): string => pickSql(stream, LEVELS);
