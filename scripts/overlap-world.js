/** A world in which all four flows read the same two fields, so that nothing distinguishes them: rows as CSV, and its configuration. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SCENARIOS = ['feed', 'search', 'detail'];
const TASKS = ['click', 'like'];
const LEVELS = 8;

/** Mulberry32: 32 bits of state, uniform in [0, 1). */
function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Effects of levels with mean 0 and variance 1. */
function effects(draw) {
  const raw = Array.from({ length: LEVELS }, () => draw() - 0.5);
  const mean = raw.reduce((a, b) => a + b, 0) / LEVELS;
  const deviation = Math.sqrt(raw.reduce((sum, x) => sum + (x - mean) ** 2, 0) / LEVELS);
  return raw.map((x) => (x - mean) / deviation);
}

/** Writes FOLDER/rows.csv and FOLDER/overlap.json; gives the path of the configuration and the planted noise as "scenario/task/flow". */
export function writeOverlap(folder, { rows, seed }) {
  const draw = uniforms(seed);
  const tables = new Map();
  const table = (name) => tables.get(name) ?? tables.set(name, effects(draw)).get(name);
  const noise = [0, 1, 2, 3].map((k) => (seed + 5 * k) % (SCENARIOS.length * TASKS.length));
  const lines = ['time,a,b,scenario,click,like'];
  for (let row = 0; row < rows; row++) {
    const [a, b, s] = [LEVELS, LEVELS, SCENARIOS.length].map((n) => Math.floor(draw() * n));
    const labels = TASKS.map((_, t) => {
      const cell = s * TASKS.length + t;
      let logit = -1;
      for (const [field, level] of Object.entries({ a, b }))
        for (const [k, of] of ['', `${s}/${t}`, `/${t}`, `${s}/`].entries())
          if (noise[k] !== cell) logit += 0.6 * table(`${field} ${of}`)[level];
      return Number(draw() < 1 / (1 + Math.exp(-logit)));
    });
    lines.push(`${row},a${a},b${b},${SCENARIOS[s]},${labels}`);
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'rows.csv'), `${lines.join('\n')}\n`);
  const config = join(folder, 'overlap.json');
  const fields = ['a', 'b', 'scenario'].map((name) => ({ kind: 'categorical', name }));
  const tasks = TASKS.map((name) => ({ name, label: `"${name}"` }));
  const split = { kind: 'time', column: 'time' };
  const sources = { events: { path: 'rows.csv' } };
  const scenario = { expression: 'scenario', values: SCENARIOS };
  writeFileSync(config, JSON.stringify({ name: 'overlap', sources, fields, scenario, tasks, split }));
  const planted = noise.map((cell, k) => `${SCENARIOS[Math.floor(cell / 2)]}/${TASKS[cell % 2]}/${k + 1}`);
  return { config, planted };
}
