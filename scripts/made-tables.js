// Two made data sets for studies of defaults, of kinds that no recipe covers without files to fetch:
//
//   census   36 fields of persons (most of them categories, some numbers with many zeros), two scenarios, income and never married
//   wide     90 fields, 60 of them categories with 2 to 2,000 values, three scenarios, two tasks; main effects of 30 fields, products
//            of 20 pairs, thresholds of numbers
//
//   node scripts/made-tables.js census|wide FOLDER [--seed N] [--rows N]
//
// Writes FOLDER/rows.csv and FOLDER/data.yaml for `tributary prepare FOLDER/data.yaml`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, rows: { type: 'string', default: '60000' } },
});
const [kind, folder] = positionals;
const rows = Number(values.rows);

/** mulberry32: uniform numbers in [0, 1). */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const draw = generator(Number(values.seed) * 7919 + (kind === 'wide' ? 1 : 2));
const normal = () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
const below = (n) => Math.floor(draw() * n);
/** One of n values, the first ones the commonest. */
const skewed = (n) => Math.min(n - 1, Math.floor(n * draw() ** 2));
const effects = (n, deviation) => Array.from({ length: n }, () => deviation * normal());
const isTrue = (logit) => (draw() < 1 / (1 + Math.exp(-logit)) ? 1 : 0);

function census() {
  const education = effects(17, 0.7);
  const occupation = effects(47, 0.6);
  const industry = effects(24, 0.3);
  const sexAndOccupation = [effects(47, 0.3), effects(47, 0.3)];
  const household = effects(38, 1);
  const idle = Array.from({ length: 14 }, (_, i) => [`survey_${i}`, 2 + ((i * 7) % 40)]);
  const made = Array.from({ length: rows }, () => {
    const sex = below(2);
    const age = Math.floor(90 * draw());
    const status = normal();
    const adult = age >= 18;
    const level = adult
      ? Math.max(0, Math.min(16, Math.round(8 + 3 * status + 2 * normal())))
      : Math.min(3, Math.floor(age / 5));
    const works = adult && draw() < (age < 65 ? 0.75 : 0.15);
    const occ = works ? Math.min(46, Math.max(0, Math.round(23 - 6 * status + 9 * normal()))) : 0;
    const ind = works ? skewed(24) : 0;
    const weeks = works ? (draw() < 0.6 ? 52 : below(52)) : 0;
    const gains = draw() < 0.04 + 0.03 * (status > 1) ? Math.round(Math.exp(7 + 1.2 * normal() + 0.5 * status)) : 0;
    const dividends = draw() < 0.1 + 0.1 * (status > 0.5) ? Math.round(Math.exp(5 + 1.5 * normal() + 0.5 * status)) : 0;
    const house = skewed(38);
    const country = draw() < 0.88 ? 0 : 1 + skewed(42);
    const single = isTrue(age < 16 ? 8 : 2.2 - 0.11 * (age - 18) + 0.6 * household[house] - 0.3 * status);
    const hump = adult ? 1.2 - ((age - 48) / 18) ** 2 : -6;
    const income = isTrue(
      works * 1.5 -
        5.2 +
        hump +
        education[level] * 0.8 +
        0.12 * level +
        (works ? occupation[occ] + industry[ind] : 0) +
        sexAndOccupation[sex][occ] +
        0.5 * sex +
        (weeks === 52 ? 0.8 : weeks > 26 ? 0.2 : 0) +
        0.25 * Math.log1p(gains / 100) +
        0.15 * Math.log1p(dividends / 100) +
        (level > 12 && occ < 15 ? 0.8 : 0),
    );
    return {
      sex: sex === 1 ? 'Male' : 'Female',
      age,
      education: `e${level}`,
      occupation: `o${occ}`,
      industry: `i${ind}`,
      weeks,
      gains,
      losses: draw() < 0.02 ? 500 + below(2000) : 0,
      dividends,
      wage: works && draw() < 0.12 ? Math.round(300 + 900 * draw()) : 0,
      household: `h${house}`,
      country: `c${country}`,
      father: country > 0 || draw() < 0.1 ? `c${1 + skewed(42)}` : 'c0',
      class_worker: works ? `w${skewed(8)}` : 'none',
      major_occupation: `m${Math.floor(occ / 4)}`,
      major_industry: `n${Math.floor(ind / 2)}`,
      employers: works ? below(7) : 0,
      union: works && draw() < 0.1 ? 'yes' : 'no',
      tax: `t${skewed(6)}`,
      region: `r${below(6)}`,
      state: draw() < 0.9 ? '' : `s${skewed(50)}`,
      year: draw() < 0.5 ? 94 : 95,
      ...Object.fromEntries(idle.map(([name, size]) => [name, `v${skewed(size)}`])),
      income,
      never_married: single,
    };
  });
  const numeric = ['age', 'weeks', 'gains', 'losses', 'dividends', 'wage', 'employers'];
  const fields = Object.keys(made[0]).filter((name) => !['income', 'never_married'].includes(name));
  return { made, numeric, fields, tasks: ['income', 'never_married'], scenario: 'sex', scenarios: ['Female', 'Male'] };
}

function wide() {
  const scenarios = ['a', 'b', 'c'];
  const sizes = [2, 3, 5, 8, 12, 20, 40, 100, 400, 2000];
  const categories = Array.from({ length: 60 }, (_, i) => ({ name: `c${i}`, size: sizes[i % sizes.length] }));
  const numbers = Array.from({ length: 30 }, (_, i) => ({ name: `n${i}` }));
  const own = categories.slice(0, 20).map(({ size }) => [effects(size, 0.3), effects(size, 0.3)]);
  const ofScenario = categories.slice(0, 6).map(({ size }) => scenarios.map(() => effects(size, 0.3)));
  const factors = categories.map(({ size }) => Array.from({ length: size }, () => [normal(), normal()]));
  const pairs = Array.from({ length: 20 }, () => [below(40), below(40)]).filter(([a, b]) => a !== b);
  const thresholds = Array.from({ length: 10 }, () => ({ at: normal(), by: [0.5 * normal(), 0.5 * normal()] }));
  const made = Array.from({ length: rows }, () => {
    const s = Math.min(2, Math.floor(4 * draw() ** 1.5));
    const levels = categories.map(({ size }) => skewed(size));
    const amounts = numbers.map(() => normal());
    const logit = [-1.5, -2];
    for (const t of [0, 1]) {
      own.forEach((effect, f) => {
        logit[t] += effect[t][levels[f]];
      });
      ofScenario.forEach((effect, f) => {
        logit[t] += effect[s][levels[f]];
      });
      for (const [a, b] of pairs) {
        const [u, v] = [factors[a][levels[a]], factors[b][levels[b]]];
        logit[t] += 0.15 * (u[0] * v[0] + (t === 0 ? 1 : -1) * u[1] * v[1]);
      }
      thresholds.forEach(({ at, by }, i) => {
        if (amounts[i] > at) logit[t] += by[t];
      });
    }
    return {
      ...Object.fromEntries(categories.map(({ name }, f) => [name, `v${levels[f]}`])),
      ...Object.fromEntries(numbers.map(({ name }, i) => [name, draw() < 0.05 ? '' : amounts[i].toFixed(3)])),
      scene: scenarios[s],
      first: isTrue(logit[0]),
      second: isTrue(logit[1]),
    };
  });
  return {
    made,
    numeric: numbers.map(({ name }) => name),
    fields: Object.keys(made[0]).filter((name) => !['first', 'second'].includes(name)),
    tasks: ['first', 'second'],
    scenario: 'scene',
    scenarios,
  };
}

const makers = { census, wide };
if (makers[kind] === undefined || folder === undefined) throw new Error('usage: made-tables.js census|wide FOLDER');
const { made, numeric, fields, tasks, scenario, scenarios } = makers[kind]();
mkdirSync(folder, { recursive: true });
const columns = Object.keys(made[0]);
writeFileSync(
  join(folder, 'rows.csv'),
  `${[columns, ...made.map((row) => columns.map((name) => row[name]))].map((row) => row.join(',')).join('\n')}\n`,
);
const fieldLine = (name) =>
  numeric.includes(name)
    ? `  - { kind: numeric, name: ${name}, buckets: { quantiles: 20 } }`
    : `  - { kind: categorical, name: ${name} }`;
writeFileSync(
  join(folder, 'data.yaml'),
  [
    `name: ${kind}`,
    'sources:',
    '  rows: { path: rows.csv }',
    'fields:',
    ...fields.map(fieldLine),
    `scenario: { expression: ${scenario}, values: [${scenarios.join(', ')}] }`,
    'tasks:',
    ...tasks.map((name) => `  - { name: ${name}, label: ${name} }`),
    '',
  ].join('\n'),
);
