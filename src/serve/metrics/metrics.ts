/**
 * Numbers of a running service as Prometheus reads them. Kept in plain arrays, since a request adds some hundred of them, and
 * as data that several processes can send each other and add up.
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, 0.0.4).
 */
import { stabilityIndex } from '../../evaluate/stability.ts';

export type Labels = Record<string, string>;

/** A family of numbers with one name. `drift` families hold counts and become one gauge, the population stability index. */
export interface Family {
  name: string;
  help: string;
  kind: 'counter' | 'gauge' | 'histogram' | 'drift';
  /** Of several processes: add up, or take the largest. */
  over: 'sum' | 'max';
  /** Upper edges of a histogram's buckets. */
  edges?: readonly number[];
  series: Series[];
}

export interface Series {
  labels: Labels;
  /** One number; of a histogram counts of the buckets (one more than edges) and the sum; of `drift` observed counts. */
  values: number[];
  /** `drift`: the shares that the counts are held against. */
  expected?: readonly number[];
}

/** A family whose values add up over processes. */
export const family = (
  name: string,
  help: string,
  kind: Family['kind'],
  series: Series[],
  edges?: readonly number[],
): Family => ({ name, help, kind, over: 'sum', edges, series });

/** Merges the families of several processes. */
export function mergeFamilies(all: readonly Family[][]): Family[] {
  const merged = new Map<string, Family>();
  for (const family of all.flat()) {
    const known = merged.get(family.name);
    if (known === undefined) {
      merged.set(family.name, { ...family, series: family.series.map((s) => ({ ...s, values: [...s.values] })) });
      continue;
    }
    for (const series of family.series) {
      const same = known.series.find((s) => key(s.labels) === key(series.labels));
      if (same === undefined) known.series.push({ ...series, values: [...series.values] });
      else
        same.values = same.values.map((value, i) =>
          family.over === 'sum' ? value + series.values[i] : Math.max(value, series.values[i]),
        );
    }
  }
  return [...merged.values()];
}

/** What to keep of a process that has ended: its counters, not its gauges. */
export const onlyCounters = (families: readonly Family[]): Family[] =>
  families.filter(({ kind }) => kind === 'counter' || kind === 'histogram');

const key = (labels: Labels): string => JSON.stringify(labels);

/** The text that Prometheus scrapes. */
export function exposition(families: readonly Family[]): string {
  const lines: string[] = [];
  for (const family of families) {
    if (family.series.length === 0) continue;
    const { name, help, kind } = family;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind === 'drift' ? 'gauge' : kind}`);
    for (const series of family.series) lines.push(...seriesLines(family, series));
  }
  return `${lines.join('\n')}\n`;
}

function seriesLines({ name, kind, edges = [] }: Family, { labels, values, expected = [] }: Series): string[] {
  if (kind === 'drift') return [`${name}${shownLabels(labels)} ${stabilityIndex(values, expected)}`];
  if (kind !== 'histogram') return [`${name}${shownLabels(labels)} ${values[0]}`];
  let count = 0;
  const buckets = [...edges.map(String), '+Inf'].map((le, i) => {
    count += values[i];
    return `${name}_bucket${shownLabels({ ...labels, le })} ${count}`;
  });
  return [
    ...buckets,
    `${name}_sum${shownLabels(labels)} ${values[edges.length + 1]}`,
    `${name}_count${shownLabels(labels)} ${count}`,
  ];
}

function shownLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** Counts of a histogram: add() is a binary search and two additions. */
export class Histogram {
  readonly edges: readonly number[];
  /** Buckets, then the sum. */
  readonly values: Float64Array;

  constructor(edges: readonly number[]) {
    this.edges = edges;
    this.values = new Float64Array(edges.length + 2);
  }

  add(value: number): void {
    let low = 0;
    let high = this.edges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.edges[middle] < value) low = middle + 1;
      else high = middle;
    }
    this.values[low]++;
    this.values[this.edges.length + 1] += value;
  }
}
