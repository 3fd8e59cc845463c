/** The rows of a log by the rules of docs/loop.md, row by row and without a database or the code of `join`. */
import { createHash } from 'node:crypto';
import { joinSchema } from '../../../src/config/join.ts';
import { numberOf, tokenOf, tokensOf } from '../../../src/data/encode/tokens.ts';
import type { Correction, Impression, ImpressionItem, Interaction } from '../../../src/events/event.ts';
import { DAY, type Event, type Row } from './logs.ts';

const MODEL = 'test-model';
const SCENARIOS = ['home', 'search', 'detail "x"'];
const TASKS = ['click', 'purchase'];

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);
const dayOf = (time: number): number => Math.floor(time / DAY);

/** All rows of the artifact that tests serve, in order of time; with the sequences of the one that reads some, if it is that one. */
export function referenceRows(events: readonly Event[], input: object, asOf: number, readsSequences = false): Row[] {
  const config = joinSchema.parse(input);
  const known = events.filter(({ time }) => time <= asOf);
  const interactions = firstById(known.filter((event) => event.kind !== 'impression') as (Interaction | Correction)[]);
  return firstOfRequest(known.filter((event) => event.kind === 'impression' && isWanted(event)) as Impression[])
    .sort((a, b) => compare(a.time, b.time) || compare(a.request_id, b.request_id))
    .flatMap((impression) =>
      impression.items.filter(({ position }) => position !== null).map((item) => ({ impression, item })),
    )
    .map(({ impression, item }) => {
      const row = rowOf(impression, item, { interactions, config, asOf });
      if (row === undefined || !readsSequences) return row;
      const answers = known.filter((event) => event.kind === 'impression') as Impression[];
      return { ...row, ...sequencesOf(impression, { interactions, config, answers }) };
    })
    .filter((row) => row !== undefined);
}

const isWanted = ({ model, scenario }: Impression): boolean =>
  model.split('@')[0] === MODEL && SCENARIOS.includes(scenario);

/** Of each id the earliest event. */
function firstById(events: readonly (Interaction | Correction)[]): (Interaction | Correction)[] {
  const first = new Map<string, Interaction | Correction>();
  for (const event of events) {
    const before = first.get(event.event_id);
    if (before === undefined || event.time < before.time) first.set(event.event_id, event);
  }
  return [...first.values()];
}

/** Of each request and day the earliest answer. */
function firstOfRequest(impressions: readonly Impression[]): Impression[] {
  const first = new Map<string, Impression>();
  for (const impression of impressions) {
    const key = `${dayOf(impression.time)} ${impression.request_id}`;
    const before = first.get(key);
    const isFirst =
      before === undefined ||
      (compare(impression.time, before.time) || compare(impression.event_id, before.event_id)) < 0;
    if (isFirst) first.set(key, impression);
  }
  return [...first.values()];
}

interface Context {
  interactions: readonly (Interaction | Correction)[];
  config: ReturnType<typeof joinSchema.parse>;
  asOf: number;
}

function rowOf(impression: Impression, item: ImpressionItem, context: Context): Row | undefined {
  const { config } = context;
  const labels = TASKS.map((task) => labelOf(impression, item, task, context));
  const isNegative = labels.every(({ label }) => label === 0);
  const { negatives } = config;
  if (isNegative && negatives !== undefined) {
    const text = `${negatives.seed} ${impression.request_id} ${item.item_id}`;
    const hash = createHash('md5').update(text).digest().readBigUInt64LE(0);
    if (Number(hash >> 11n) >= Math.floor(negatives.rate * 2 ** 53)) return undefined;
  }
  const values: Record<string, unknown> = { ...impression.values, ...item.values };
  const tags = tokensOf(values.tags, '|', 3, 'tags');
  return {
    user: tokenOf(values.user, 'user') ?? null,
    age: numberOf(values.age, 'age') ?? null,
    city: tokenOf(values.city, 'city') ?? null,
    item: tokenOf(values.item, 'item') ?? null,
    tags: tags.length === 0 ? null : tags,
    hour: tokenOf(values.hour, 'hour') ?? null,
    log_time: impression.time,
    log_request_id: impression.request_id,
    log_item_id: item.item_id,
    log_position: item.position,
    log_scenario: impression.scenario,
    log_unit: impression.unit,
    log_model: impression.model,
    log_policy: impression.policy.kind,
    log_score: item.score,
    log_arm: null,
    log_bucket: null,
    log_marginal: null,
    log_prefix: null,
    log_team: null,
    log_shadow_score: null,
    ...Object.fromEntries(TASKS.map((task) => [`log_probability_${task}`, item.probabilities[task]])),
    log_weight: isNegative && negatives !== undefined ? 1 / negatives.rate : 1,
    ...Object.fromEntries(
      TASKS.flatMap((task, k) => [
        [`label_${task}`, labels[k].label],
        [`state_${task}`, labels[k].state],
        [`delay_${task}`, labels[k].delay],
      ]),
    ),
  };
}

interface Past {
  interactions: readonly (Interaction | Correction)[];
  config: ReturnType<typeof joinSchema.parse>;
  /** All, of whatever model. */
  answers: readonly Impression[];
}

const TYPES = ['viewed', 'bought'];
const LENGTH = 4;

function sequencesOf(impression: Impression, past: Past): Row {
  const columns = TYPES.map((type) => {
    const given = impression.sequences?.[type]?.map((item) => tokenOf(item, 'item') ?? null);
    const { [type]: filled } = past.config.sequences;
    const items = given ?? (filled === undefined ? [] : done(impression, { type, ...filled }, past));
    return [`sequence_${type}`, items.slice(-LENGTH)];
  });
  return Object.fromEntries(columns);
}

/** Tokens of all items that the unit did something of a type to before an answer, oldest first. */
function done(
  { unit, time }: Impression,
  { type, atLeast = Number.NEGATIVE_INFINITY }: { type: string; atLeast?: number },
  { interactions, config, answers }: Past,
): (string | null)[] {
  if (unit === null || unit === undefined) return [];
  const own = interactions.filter((event) => event.type === type);
  const found = new Map<string, { since: number; key: [string, string]; token: string | null }>();
  for (const { kind, request_id, item_id, time: at, ...event } of own) {
    if (kind !== 'interaction') continue;
    const [answer] = answers
      .filter((one) => one.request_id === request_id)
      .sort((a, b) => compare(a.time, b.time) || compare(a.event_id, b.event_id));
    const shown = answer?.items.filter((item) => item.item_id === item_id && item.position !== null) ?? [];
    if (answer === undefined || shown.length === 0 || answer.unit !== unit || at < answer.time - config.skew) continue;
    const since = Math.max(at, answer.time);
    const isUndone = own.some(
      (e) =>
        e.kind === 'correction' &&
        e.request_id === request_id &&
        e.item_id === item_id &&
        e.time >= at &&
        e.time < time,
    );
    const value = 'value' in event ? event.value : undefined;
    if (since >= time || isUndone || (value ?? Number.NEGATIVE_INFINITY) < atLeast) continue;
    const tokens = shown.map((item) => tokenOf({ ...answer.values, ...item.values }.item, 'item') ?? null);
    const before = found.get(`${request_id} ${item_id}`);
    if (before !== undefined && before.since <= since) continue;
    found.set(`${request_id} ${item_id}`, { since, key: [request_id, item_id], token: tokens.sort()[0] });
  }
  return [...found.values()]
    .sort((a, b) => compare(a.since, b.since) || compare(a.key[0], b.key[0]) || compare(a.key[1], b.key[1]))
    .map(({ token }) => token);
}

interface Label {
  label: 0 | 1 | null;
  state: string;
  /** Seconds. */
  delay: number | null;
}

function labelOf(
  { request_id, time: start }: Impression,
  { item_id }: ImpressionItem,
  task: string,
  { interactions, config, asOf }: Context,
): Label {
  const { type = task, window, atLeast } = config.tasks[task];
  const end = start + window;
  if (asOf < end) return { label: null, state: 'open', delay: null };
  const own = interactions.filter((e) => e.request_id === request_id && e.item_id === item_id && e.type === type);
  const takenBack = Math.max(...own.filter(({ kind }) => kind === 'correction').map(({ time }) => time));
  const counted = own.filter(
    (e) =>
      e.kind === 'interaction' &&
      e.time >= start - config.skew &&
      (atLeast === undefined || (e.value !== undefined && e.value >= atLeast)),
  );
  const held = counted.filter(({ time }) => time > takenBack);
  const times = held.map(({ time }) => time);
  const delay = times.length === 0 ? null : (Math.min(...times) - start) / 1000;
  if (held.some(({ time }) => time < end)) return { label: 1, state: 'positive', delay };
  if (held.length > 0) return { label: config.late === 'revise' ? 1 : 0, state: 'late', delay };
  const state = counted.some(({ time }) => time < end) ? 'revoked' : 'negative';
  return { label: 0, state, delay };
}
