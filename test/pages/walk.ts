/** Reads all numbers of an open page, in tables and in pictures, and holds them against the page's data. */
import type { Page as Tab } from 'playwright-core';
import { type Format, formatted } from '../../src/pages/format.ts';

interface Found {
  numbers: { path: string; as: Format; text: string; row: string | null }[];
  /** What is left of cells of numbers without their numbers. */
  rest: string[];
  /** Names at the head of a row, and the row's place. */
  heads: { row: string; texts: string[] }[];
  pictures: { label: string; marks: { attribute: string; path: string; at: number }[] }[];
}

const READ = `(() => {
  const translated = (element, which) => {
    const [, x, y] = /translate\\(([-\\d.e]+),([-\\d.e]+)\\)/.exec(element.getAttribute('transform')) ?? [];
    return Number(which === 'tx' ? x : y);
  };
  const at = (element, attribute) =>
    attribute === 'tx' || attribute === 'ty' ? translated(element, attribute)
      : attribute === 'thickness' ? Number(element.getAttribute('stroke-width')) : Number(element.getAttribute(attribute));
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  return {
    numbers: all('[data-path]').map((element) => ({
      path: element.dataset.path, as: element.dataset.as, text: element.textContent,
      row: element.closest('tr')?.dataset.row ?? null,
    })),
    rest: all('td.right').map((cell) => {
      const copy = cell.cloneNode(true);
      for (const part of all('.num, bdi', copy)) part.remove();
      return copy.textContent;
    }),
    heads: all('tr[data-row]').map((row) => ({ row: row.dataset.row, texts: all('th', row).map((head) => head.textContent) })),
    pictures: all('svg[role=img]').map((picture) => ({
      label: picture.getAttribute('aria-label'),
      marks: all('*', picture).flatMap((element) =>
        Object.entries(element.dataset).map(([attribute, path]) => ({ attribute, path, at: at(element, attribute) }))),
    })),
  };
})()`;

/** All tables are opened first. */
export async function readPage(tab: Tab): Promise<Found> {
  await tab.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true");
  // The page's policy allows no function that is made of a text, so that Playwright cannot wait for one. A page that fails never opens.
  const areOpen = "[...document.querySelectorAll('details')].every(({ children }) => children.length > 1)";
  for (let tries = 0; tries < 1000 && !(await tab.evaluate(areOpen)); tries++) await tab.waitForTimeout(20);
  return tab.evaluate<Found>(READ);
}

/** A JSON pointer (RFC 6901). Throws where nothing is there. */
function resolve(data: unknown, path: string): unknown {
  return path
    .split('/')
    .slice(1)
    .reduce((value, key) => {
      const name = key.replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
        throw new Error(`nothing at ${path}`);
      return (value as Record<string, unknown>)[name];
    }, data);
}

/** What does not agree; empty where all does. */
export function disagreements({ numbers, rest, heads, pictures }: Found, data: unknown): string[] {
  return [
    ...numbers.flatMap(({ path, as, text, row }) => {
      const value = resolve(data, path) as number | null;
      const expected = formatted(value, as);
      const list = row?.slice(0, row.lastIndexOf('/') + 1) ?? '';
      return [
        ...(text === expected ? [] : [`${path}: ${text} is not ${expected}`]),
        // A number of the same list is one of its own row.
        ...(list.length > 1 &&
        path.startsWith(list) &&
        /^\d+(\/|$)/.test(path.slice(list.length)) &&
        !path.startsWith(`${row}/`)
          ? [`${path} stands in the row of ${row}`]
          : []),
      ];
    }),
    ...rest.filter((text) => /\d/.test(text.replaceAll(/95 %/g, ''))).map((text) => `a number without a path: ${text}`),
    ...heads.flatMap(({ row, texts }) => {
      const own = row === '' || !isThere(data, row) ? undefined : resolve(data, row);
      // Yardsticks and graphs are shown by what they are called.
      const isNamed = /\/(yardsticks\/measured|artifact\/graphs)\//.test(row);
      if (typeof own !== 'object' || own === null || isNamed) return [];
      const names = Object.values(own).filter((value) => typeof value === 'string');
      return names.length === 0 || texts.every((text) => names.includes(text))
        ? []
        : [`${row} is headed ${texts.join(', ')}`];
    }),
    ...pictures.flatMap(({ label, marks }) => pictureDisagreements(label, marks, data)),
  ];
}

function isThere(data: unknown, path: string): boolean {
  try {
    return resolve(data, path) !== undefined;
  } catch {
    return false;
  }
}

const AXES = [['cx', 'x1', 'x2', 'tx'], ['cy', 'y1', 'y2', 'ty'], ['width'], ['height'], ['thickness']];

/** Pixels. */
const TOLERANCE = 0.6;

/** On each axis, places are a straight function of values, or of their logarithms. */
function pictureDisagreements(label: string, marks: Found['pictures'][number]['marks'], data: unknown): string[] {
  return AXES.flatMap((attributes) => {
    const points = marks
      .filter(({ attribute }) => attributes.includes(attribute))
      .map(({ path, at }) => ({ path, at, value: resolve(data, path) as number }));
    const scales = [(value: number) => value, ...(points.every(({ value }) => value > 0) ? [Math.log] : [])];
    const offs = scales.map((scale) => farthest(points.map(({ at, value }) => ({ at, value: scale(value) }))));
    if (Math.min(...offs) <= TOLERANCE) return [];
    return [`${label}: places on ${attributes[0]} do not follow the values (${Math.min(...offs).toFixed(2)} px off)`];
  });
}

/** The largest distance from the line through the points with the smallest and the largest value. */
function farthest(points: { at: number; value: number }[]): number {
  if (points.some(({ at, value }) => !Number.isFinite(at) || !Number.isFinite(value))) return Number.POSITIVE_INFINITY;
  const sorted = points.toSorted((a, b) => a.value - b.value);
  const [first, last] = [sorted[0], sorted[sorted.length - 1]];
  if (first === undefined || first.value === last.value) return 0;
  const slope = (last.at - first.at) / (last.value - first.value);
  return Math.max(...points.map(({ at, value }) => Math.abs(first.at + slope * (value - first.value) - at)));
}
