/**
 * Impressions of a shop with their true probabilities. Customers come in sessions on one of four surfaces; what they are
 * shown depends on the surface, a search's query and, mildly, on their taste. With m the match of tastes, p the distance
 * between price and budget, q the match of query and title:
 *
 *   click    = surface + position + appeal + drift + m + brand + p + q + habits of hour and device
 *   cart     given a click:  price, discount, rating, quality, tier, and less of m
 *   purchase given a cart:   customer, price, quality, country
 *
 * A later task is 1 only where the earlier ones are. The email surface logs clicks alone, the category pages no purchases.
 */
import { type Random, random } from '../../base/random.ts';
import type { ShopOptions } from './options.ts';
import { type Customer, drawPeople, type People, type Product, styleName, styles, titleOf, zipf } from './people.ts';

export const SURFACES = ['home', 'search', 'category', 'email'];
export const TASKS = ['click', 'cart', 'purchase'];
/** Which tasks a surface logs, [S][T]. */
export const LOGGED = [
  [true, true, true],
  [true, true, true],
  [true, true, false],
  [true, false, false],
];
const SHARES = [0.4, 0.3, 0.2, 0.1];
const DEVICES = ['app', 'mobile', 'desktop', 'tablet'];

export interface Impression {
  /** Share of the log's time that has passed, in [0, 1). */
  at: number;
  session: string;
  surface: number;
  user: number;
  item: number;
  device: string;
  hour: number;
  /** From 1. */
  position: number;
  query: string[];
  /** True probability of each task's label, not given the earlier tasks. */
  probabilities: number[];
  /** 0 or 1 for each task, also where the surface does not log it. */
  labels: number[];
}

export interface ShopLog {
  people: People;
  impressions: Impression[];
}

/** The log of a shop in order of time. A function of the options alone. */
export function drawLog(options: ShopOptions): ShopLog {
  const people = drawPeople(options);
  const habits = drawHabits(options.seed);
  const impressions: Impression[] = [];
  for (let number = 0; impressions.length < options.rows; number++) {
    const draw = random('shop', options.seed, 'session', number);
    const session = drawSession(draw, people, impressions.length / options.rows);
    const length = Math.min(1 + zipf(draw, 14, 0.4), options.rows - impressions.length);
    for (let position = 1; position <= length; position++)
      impressions.push(drawImpression(draw, { session, position, people, habits }));
  }
  return { people, impressions };
}

interface Habits {
  /** [S][hours / 6] */
  hours: number[][];
  /** [devices][categories], on the logit: what people look at on which screen. */
  screens: number[][];
}

function drawHabits(seed: number): Habits {
  const draw = random('shop', seed, 'habits');
  const table = (rows: number, columns: number, deviation: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => deviation * draw.normal()));
  return { hours: table(SURFACES.length, 4, 0.2), screens: table(DEVICES.length, 24, 0.25) };
}

type Session = Pick<Impression, 'at' | 'session' | 'surface' | 'user' | 'hour' | 'query'> & {
  device: number;
  /** Category of a search or a category page. */
  category?: number;
};

function drawSession(draw: Random, people: People, at: number): Session {
  const surface = pick(draw, SHARES);
  const user = zipf(draw, people.customers.length, 0.35);
  const wanted = surface === 1 || surface === 2 ? wantedCategory(draw, people, people.customers[user]) : undefined;
  return {
    at,
    session: Array.from({ length: 3 }, () => draw.next().toString(16).padStart(8, '0')).join(''),
    surface,
    user,
    hour: Math.floor(24 * ((draw.uniform() + draw.uniform()) / 2)),
    device: pick(draw, surface === 3 ? [0.1, 0.6, 0.25, 0.05] : [0.35, 0.3, 0.28, 0.07]),
    ...(wanted !== undefined && { category: wanted }),
    query: surface === 1 && wanted !== undefined ? drawQuery(draw, people, wanted) : [],
  };
}

/** The best of two drawn categories to a customer's taste. */
function wantedCategory(draw: Random, { categories }: People, { tastes }: Customer): number {
  const [a, b] = [draw.below(categories.length), draw.below(categories.length)];
  return dot(tastes, categories[a].tastes) > dot(tastes, categories[b].tastes) ? a : b;
}

function drawQuery(draw: Random, { categories, brands }: People, category: number): string[] {
  const brand = category * (brands.length / categories.length) + draw.below(brands.length / categories.length);
  return [
    ...(draw.uniform() < 0.35 ? [brands[brand].name] : []),
    ...(draw.uniform() < 0.6 ? [styleName(draw.below(styles))] : []),
    categories[category].name,
  ];
}

interface Scene {
  session: Session;
  position: number;
  people: People;
  habits: Habits;
}

function drawImpression(draw: Random, { session, position, people, habits }: Scene): Impression {
  const { surface, user, hour, query, at } = session;
  const item = drawItem(draw, session, people);
  const chances = conditional({ session, position, people, habits }, people.products[item]);
  let [probability, label] = [1, 1];
  const outcome = chances.map((chance) => {
    probability *= chance;
    label = label === 1 && draw.uniform() < chance ? 1 : 0;
    return { probability, label };
  });
  return {
    at,
    session: session.session,
    surface,
    user,
    item,
    device: DEVICES[session.device],
    hour,
    position,
    query,
    probabilities: outcome.map((one) => one.probability),
    labels: outcome.map((one) => one.label),
  };
}

/** What is shown: of the page's category mostly, popular products more often, not before they are on sale. */
function drawItem(draw: Random, { category, at }: Session, { products, byCategory }: People): number {
  for (let trial = 0; ; trial++) {
    const list = category !== undefined && draw.uniform() < 0.7 ? byCategory[category] : undefined;
    const item = list?.length ? list[zipf(draw, list.length, 0.45)] : zipf(draw, products.length, 0.45);
    if (products[item].from <= at || trial === 20) return item;
  }
}

/** Probability of each task given that the earlier ones are 1. */
function conditional({ session, position, people, habits }: Scene, product: Product): number[] {
  const { surface, query, at, hour, device } = session;
  const customer = people.customers[session.user];
  const match = dot(customer.tastes, people.categories[product.category].tastes);
  const brand = dot(customer.tastes, people.brands[product.brand].tastes);
  const title = titleOf(people, product);
  const found = query.filter((word) => title.includes(word)).length - query.length / 2;
  const distance = Math.abs(product.premium + Math.log(1 - product.discount) - customer.budget);
  const click =
    [-1.6, -1.1, -1.4, -2.2][surface] -
    [0.35, 0.45, 0.25, 0.3][surface] * Math.log(position) +
    product.appeal +
    product.drift * (at - 0.5) +
    [1.1, 0.6, 0.8, 1.2][surface] * match +
    brand -
    [0.8, 0.5, 0.9, 0.6][surface] * distance +
    0.9 * found +
    customer.eager +
    habits.hours[surface][Math.floor(hour / 6)] +
    habits.screens[device][product.category];
  const cart =
    -0.7 + 0.6 * product.quality + 2.2 * product.discount - 0.9 * distance + 0.4 * match + customer.buyer + 0.3 * found;
  const purchase =
    -0.6 + 0.5 * product.quality + 1.2 * customer.buyer - 0.7 * distance - 0.3 * product.premium + 0.3 * brand;
  return [click, cart, purchase].map((logit) => 1 / (1 + Math.exp(-logit)));
}

const dot = (a: number[], b: number[]): number => a.reduce((sum, x, k) => sum + x * b[k], 0);

/** Index by the shares given, which sum to 1. */
function pick(draw: Random, shares: number[]): number {
  const drawn = draw.uniform();
  let [index, below] = [0, shares[0]];
  while (drawn >= below && index < shares.length - 1) below += shares[++index];
  return index;
}
