/**
 * Customers and products of a shop, drawn from a seed. What a customer likes follows in part from what the log says of
 * them (age, country, membership) and in part is their own, which only their rows can tell.
 */
import { type Random, random } from '../../base/random.ts';
import type { ShopOptions } from './options.ts';

/** Dimensions of taste: a customer and a category each have a place there; their product is the affinity. */
const TASTES = 3;

const AGE_BANDS = 5;
const COUNTRIES = ['DE', 'FR', 'NL', 'ES', 'PL', 'SE', 'IT'];
const TIERS = ['none', 'basic', 'plus', 'gold'];
const CATEGORIES = [
  ...['shoes', 'shirts', 'jackets', 'trousers', 'dresses', 'bags', 'watches', 'jewellery', 'phones', 'laptops'],
  ...['headphones', 'cameras', 'lamps', 'chairs', 'tables', 'rugs', 'toys', 'books', 'games', 'bikes', 'tents'],
  ...['skincare', 'coffee', 'tools'],
];
const BRANDS_PER_CATEGORY = 6;
const STYLES = [
  ...['red', 'blue', 'black', 'white', 'green', 'light', 'large', 'small', 'classic', 'modern', 'organic', 'sport'],
  ...[
    'travel',
    'family',
    'pro',
    'mini',
    'vintage',
    'outdoor',
    'winter',
    'summer',
    'leather',
    'cotton',
    'wood',
    'steel',
  ],
];

export interface Customer {
  age: number;
  country: string;
  tier: string;
  /** What the log says of them; undefined where it is silent. */
  known: { age?: number; country?: string };
  tastes: number[];
  /** Natural logarithm of the price that suits them, relative to what is usual in a category. */
  budget: number;
  /** How readily they click and buy, on the logit. */
  eager: number;
  buyer: number;
}

export interface Product {
  category: number;
  brand: number;
  style: number[];
  /** Relative to what is usual in the category, natural logarithm. */
  premium: number;
  price: number;
  /** Share taken off the price; mostly 0. */
  discount: number;
  /** Mean of the reviews; undefined without any. */
  rating?: number;
  reviews: number;
  appeal: number;
  quality: number;
  /** Change of appeal from the first day to the last. */
  drift: number;
  /** Share of the log after which it is on sale. */
  from: number;
}

export interface People {
  customers: Customer[];
  products: Product[];
  categories: { name: string; tastes: number[]; usual: number }[];
  brands: { name: string; tastes: number[] }[];
  /** Products of each category, the popular ones first. */
  byCategory: number[][];
}

export function drawPeople({ seed, users, items }: ShopOptions): People {
  const draw = random('shop', seed, 'tastes');
  const byAge = Array.from({ length: AGE_BANDS }, () => normals(draw, TASTES, 0.7));
  const byCountry = COUNTRIES.map(() => normals(draw, TASTES, 0.5));
  const budgets = { age: normals(draw, AGE_BANDS, 0.35), country: normals(draw, COUNTRIES.length, 0.3) };
  const categories = CATEGORIES.map((name) => ({
    name,
    tastes: normals(draw, TASTES, 0.75),
    usual: 3.2 + 1.1 * draw.normal(),
  }));
  const brands = Array.from({ length: CATEGORIES.length * BRANDS_PER_CATEGORY }, (_, i) => ({
    name: syllables(i),
    tastes: normals(draw, TASTES, 0.35),
  }));
  const customers = Array.from({ length: users }, (_, i) =>
    drawCustomer(random('shop', seed, 'customer', i), { byAge, byCountry, budgets }),
  );
  const products = Array.from({ length: items }, (_, i) => drawProduct(random('shop', seed, 'product', i), categories));
  const byCategory: number[][] = categories.map(() => []);
  for (const [i, { category }] of products.entries()) byCategory[category].push(i);
  return { customers, products, categories, brands, byCategory };
}

interface Groups {
  byAge: number[][];
  byCountry: number[][];
  budgets: { age: number[]; country: number[] };
}

function drawCustomer(draw: Random, { byAge, byCountry, budgets }: Groups): Customer {
  const age = Math.round(18 + 52 * draw.uniform() ** 1.4);
  const band = Math.min(AGE_BANDS - 1, Math.floor((age - 18) / 10));
  const place = zipf(draw, COUNTRIES.length, 0.8);
  const tier = Math.min(3, Math.floor(4 * draw.uniform() ** 2));
  return {
    age,
    country: COUNTRIES[place],
    tier: TIERS[tier],
    known: {
      ...(draw.uniform() > 0.3 && { age }),
      ...(draw.uniform() > 0.08 && { country: COUNTRIES[place] }),
    },
    tastes: byAge[band].map((x, k) => x + byCountry[place][k] + 0.35 * draw.normal()),
    budget: budgets.age[band] + budgets.country[place] + 0.25 * (tier - 0.8) + 0.15 * draw.normal(),
    eager: 0.3 * draw.normal(),
    buyer: 0.25 * (tier - 0.8) + 0.25 * draw.normal(),
  };
}

function drawProduct(draw: Random, categories: People['categories']): Product {
  const category = zipf(draw, categories.length, 0.7);
  const brand = category * BRANDS_PER_CATEGORY + zipf(draw, BRANDS_PER_CATEGORY, 0.8);
  const premium = 0.2 * ((brand % BRANDS_PER_CATEGORY) - 2) + 0.45 * draw.normal();
  const quality = 0.6 * draw.normal();
  const reviews = Math.floor(Math.exp(2.5 + 1.8 * draw.normal())) - 1;
  return {
    category,
    brand,
    style: [draw.below(STYLES.length), draw.below(STYLES.length)],
    premium,
    price: Math.round(100 * Math.exp(categories[category].usual + premium)) / 100,
    discount: draw.uniform() < 0.25 ? Math.ceil(8 * draw.uniform()) / 20 : 0,
    ...(reviews > 0 && { rating: Math.min(5, Math.max(1, 3.9 + 0.5 * quality + draw.normal() / Math.sqrt(reviews))) }),
    reviews: Math.max(0, reviews),
    appeal: 0.5 * draw.normal(),
    quality,
    drift: 0.4 * draw.normal(),
    from: draw.uniform() < 0.15 ? 0.9 * draw.uniform() : 0,
  };
}

/** Words of a product's title. */
export const titleOf = ({ categories, brands }: People, { category, brand, style }: Product): string[] => [
  brands[brand].name,
  ...style.map((word) => STYLES[word]),
  categories[category].name,
];

export const styleName = (word: number): string => STYLES[word];
export const styles = STYLES.length;

/** Index in [0, n), the k-th with a weight of about (k + 1)^-power, power < 1. */
export const zipf = (draw: Random, n: number, power: number): number =>
  Math.min(n - 1, Math.floor(n * draw.uniform() ** (1 / (1 - power))));

const normals = (draw: Random, n: number, deviation: number): number[] =>
  Array.from({ length: n }, () => deviation * draw.normal());

/** A pronounceable name for each number. */
function syllables(index: number): string {
  const parts = ['ka', 'lo', 'mi', 'ne', 'ru', 'sa', 'to', 'vi', 'wo', 'ze', 'ba', 'du', 'fe'];
  const [a, b] = [index % parts.length, Math.floor(index / parts.length)];
  return `${parts[a]}${parts[(a + b + 1) % parts.length]}${'nrst'[b % 4]}`;
}
