/** All orders of the first k of n items. */
export function orders(n: number, k: number): number[][] {
  if (k === 0) return [[]];
  return orders(n, k - 1).flatMap((begun) =>
    Array.from({ length: n }, (_, i) => i)
      .filter((i) => !begun.includes(i))
      .map((i) => [...begun, i]),
  );
}
