/**
 * The space of a search. A point has one coordinate per dimension: a place in [0, 1] on a range's own scale (its logarithm
 * where the range says so), the number of a choice, or nothing where the dimension's conditions do not hold.
 */
import type { Json, Parameter } from '../../config/tune.ts';

/** Aligned with the dimensions of the space. */
export type Point = readonly (number | undefined)[];

/** Values by dotted path of the run configuration. Parameters without a coordinate in the point are not set. */
export type Parameters = Record<string, Json>;

export interface Dimension {
  path: string;
  /** How many choices; undefined for a range. */
  choices?: number;
  /** The nearest coordinate that stands for a value: whole numbers are spaced apart. */
  snap(coordinate: number): number;
  value(coordinate: number): Json;
}

export interface Space {
  dimensions: readonly Dimension[];
  /** The point that `pick` chooses, dimension by dimension, where conditions hold. */
  point(pick: (dimension: Dimension, index: number) => number): Point;
  parameters(point: Point): Parameters;
}

/** Conditions name only dimensions before them; the configuration's check guarantees it. */
export function openSpace(config: Record<string, Parameter>): Space {
  const dimensions = Object.entries(config).map(([path, parameter]) => dimensionOf(path, parameter));
  const conditions = Object.values(config).map(({ when = {} }) =>
    Object.entries(when).map(([path, values]) => ({
      dimension: dimensions.findIndex((dimension) => dimension.path === path),
      values: new Set(values.map((value) => JSON.stringify(value))),
    })),
  );
  const parameters = (point: Point): Parameters =>
    Object.fromEntries(
      dimensions.flatMap(({ path, value }, d) => {
        const coordinate = point[d];
        return coordinate === undefined ? [] : [[path, value(coordinate)]];
      }),
    );
  return {
    dimensions,
    parameters,
    point(pick) {
      const point: (number | undefined)[] = [];
      const holds = ({ dimension, values }: { dimension: number; values: Set<string> }): boolean => {
        const coordinate = point[dimension];
        return coordinate !== undefined && values.has(JSON.stringify(dimensions[dimension].value(coordinate)));
      };
      dimensions.forEach((dimension, d) => {
        point.push(conditions[d].every(holds) ? dimension.snap(pick(dimension, d)) : undefined);
      });
      return point;
    },
  };
}

/** Equal for points that give the same parameters. */
export const keyOf = (point: Point): string => JSON.stringify(point);

function dimensionOf(path: string, { choices, low = 0, high = 0, log, int }: Parameter): Dimension {
  if (choices !== undefined)
    return { path, choices: choices.length, snap: (index) => index, value: (index) => choices[index] };
  const forward = log ? Math.log : (value: number): number => value;
  const backward = log ? Math.exp : (scaled: number): number => scaled;
  // Half a unit on each side, so that the first and the last whole number are as likely as the others.
  const margin = int ? 0.5 : 0;
  const [from, to] = [forward(low - margin), forward(high + margin)];
  const value = (coordinate: number): number => {
    const free = backward(from + coordinate * (to - from));
    return Math.min(high, Math.max(low, int ? Math.round(free) : Number(free.toPrecision(6))));
  };
  const coordinate = (of: number): number => (forward(of) - from) / (to - from);
  return { path, value, snap: (place) => coordinate(value(place)) };
}
