/** Lanes: the places along a fixed axis of a tensor, and how they correspond before and after a reshape. */
import { range } from '../../../base/numbers.ts';
import { isBatch, type Shape } from '../../shape.ts';

/** Some places of an axis, in ascending order, or all of them; always `all` for a batch axis. */
export type Lanes = readonly number[] | 'all';

/** Lanes of each axis of a tensor. */
export type AxisLanes = readonly Lanes[];

export const allOf = (shape: Shape): AxisLanes => shape.map(() => 'all');

/** Lanes of an axis as a list. */
export const listed = (lanes: Lanes, size: number): readonly number[] => (lanes === 'all' ? range(size) : lanes);

/** A list as lanes: `all` if it is complete. */
export const lanesOf = (places: readonly number[], size: number): Lanes => (places.length === size ? 'all' : places);

export function union(a: Lanes, b: Lanes, size: number): Lanes {
  if (a === 'all' || b === 'all') return 'all';
  return lanesOf(
    [...new Set([...a, ...b])].sort((x, y) => x - y),
    size,
  );
}

/** Axes before and after a reshape that hold the same numbers. */
export interface AxisGroup {
  from: number[];
  to: number[];
}

/** How the axes of a reshape correspond. */
export function axisGroups(from: Shape, to: Shape): AxisGroup[] {
  const groups: AxisGroup[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const group: AxisGroup = { from: [], to: [] };
    let [a, b] = [1, 1];
    const takeFrom = (): void => {
      a *= weight(from[i]);
      group.from.push(i++);
    };
    const takeTo = (): void => {
      b *= weight(to[j]);
      group.to.push(j++);
    };
    if (i < from.length) takeFrom();
    if (j < to.length) takeTo();
    while (a !== b) a < b ? takeFrom() : takeTo();
    groups.push(group);
  }
  return groups;
}

/** A dimension as a size; the batch as a size that no product of fixed ones can equal. */
const weight = (dim: Shape[number]): number =>
  typeof dim === 'number' ? dim : (dim === 'B' ? 1 : Number(dim.slice(0, -1))) * 2 ** 31;

/** Lanes before and after a reshape that hold the same numbers and include the `wanted` lanes of the result. */
export function reshapedLanes(from: Shape, to: Shape, wanted: AxisLanes): { from: AxisLanes; to: AxisLanes } {
  const lanes = { from: [...allOf(from)], to: [...allOf(to)] };
  for (const group of axisGroups(from, to)) {
    if (group.to.every((axis) => wanted[axis] === 'all')) continue;
    if ([...group.from.map((axis) => from[axis]), ...group.to.map((axis) => to[axis])].some(isBatch)) continue;
    const [sizesFrom, sizesTo] = [
      group.from.map((axis) => from[axis] as number),
      group.to.map((axis) => to[axis] as number),
    ];
    let places = product(
      group.to.map((axis) => wanted[axis]),
      sizesTo,
    );
    // Extended until both sides are whole lanes.
    for (let before = -1; before !== places.length; ) {
      before = places.length;
      places = product(projected(places, sizesFrom), sizesFrom);
      places = product(projected(places, sizesTo), sizesTo);
    }
    projected(places, sizesFrom).forEach((own, k) => {
      lanes.from[group.from[k]] = own;
    });
    projected(places, sizesTo).forEach((own, k) => {
      lanes.to[group.to[k]] = own;
    });
  }
  return lanes;
}

/** Row-major places of all combinations of lanes. */
function product(lanes: readonly Lanes[], sizes: readonly number[]): number[] {
  return lanes.reduce<number[]>(
    (places, own, k) => places.flatMap((place) => listed(own, sizes[k]).map((lane) => place * sizes[k] + lane)),
    [0],
  );
}

/** The lanes of each axis that the places lie in. */
function projected(places: readonly number[], sizes: readonly number[]): Lanes[] {
  return sizes.map((size, k) => {
    const step = sizes.slice(k + 1).reduce((total, n) => total * n, 1);
    const seen = new Set(places.map((place) => Math.floor(place / step) % size));
    return lanesOf(
      [...seen].sort((a, b) => a - b),
      size,
    );
  });
}
