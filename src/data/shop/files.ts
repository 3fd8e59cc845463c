/** The log of a shop as an export that nobody cleaned, and what is true of it. */
import { random } from '../../base/random.ts';
import { DAY_MS } from '../../base/times.ts';
import { expectedAuc } from '../synthetic/bayes.ts';
import { type Impression, LOGGED, type ShopLog, SURFACES, TASKS } from './log.ts';
import type { ShopOptions } from './options.ts';
import { titleOf } from './people.ts';

const START = Date.UTC(2024, 0, 1);
const DAYS = 28;
const HEADER = [
  ...[
    'session_id',
    'ts',
    'surface',
    'user_id',
    'age',
    'country',
    'tier',
    'item_id',
    'title',
    'category',
    'brand',
    'price',
  ],
  ...['discount', 'rating', 'reviews', 'query', 'device', 'position', ...TASKS],
].join(',');

/**
 * One line for each impression, in order of time but for stragglers; 0.6 % of the lines come twice. Missing values are
 * empty, `NULL` or `n/a`, surfaces and devices are written in more than one way, and what a surface does not log is empty.
 */
export function shopCsv(log: ShopLog, { seed, rows }: ShopOptions): string {
  const draw = random('shop', seed, 'dirt');
  const missing = (): string => ['', 'NULL', 'n/a'][draw.below(3)];
  const now = (share: number): string =>
    new Date(START + Math.floor(share * DAYS * DAY_MS)).toISOString().slice(0, 19).replace('T', ' ');
  const spelt = (text: string): string => (draw.uniform() < 0.1 ? text.toUpperCase() : text);
  const lineOf = (impression: Impression): string => {
    const { surface, user, item, query, labels } = impression;
    const { age, country } = log.people.customers[user].known;
    const product = log.people.products[item];
    const { price, discount, rating, reviews, category, brand } = product;
    return [
      impression.session,
      now(dayShare(impression)),
      spelt(SURFACES[surface]),
      `u${user}`,
      age ?? missing(),
      country ?? missing(),
      log.people.customers[user].tier,
      `p${item}`,
      titleOf(log.people, product).join(' '),
      log.people.categories[category].name,
      draw.uniform() < 0.02 ? missing() : log.people.brands[brand].name,
      draw.uniform() < 0.05 ? missing() : price,
      discount,
      rating?.toFixed(1) ?? missing(),
      reviews,
      query.join(' '),
      spelt(impression.device),
      impression.position,
      ...labels.map((label, t) => (LOGGED[surface][t] ? label : '')),
    ].join(',');
  };
  const lines = log.impressions.map(lineOf);
  for (let i = 0; i < Math.floor(rows * 0.006); i++) lines.push(lines[draw.below(rows)]);
  return `${HEADER}\n${lines.join('\n')}\n`;
}

/** The day of the impression as drawn, and its hour. */
const dayShare = ({ at, hour, position }: Impression): number =>
  (Math.floor(at * DAYS) + (hour + position / 60) / 24) / DAYS;

/** AUC of the true probabilities in each cell, over the last tenth of the log; null where a surface does not log the task. */
export function ceiling({ impressions }: ShopLog): Record<string, Record<string, number | null>> {
  const last = [...impressions].sort((a, b) => dayShare(a) - dayShare(b)).slice(Math.floor(impressions.length * 0.9));
  const cell = (s: number, t: number): number | null => {
    if (!LOGGED[s][t]) return null;
    const probabilities = last.filter(({ surface }) => surface === s).map((row) => row.probabilities[t]);
    return probabilities.length < 2 ? null : expectedAuc(probabilities, probabilities);
  };
  return Object.fromEntries(
    SURFACES.map((surface, s) => [surface, Object.fromEntries(TASKS.map((task, t) => [task, cell(s, t)]))]),
  );
}
