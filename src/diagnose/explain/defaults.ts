/** What `explain` does unless it is asked for something else. */
export const EXPLAIN = {
  /** Items whose fields are explained. */
  top: 10,
  /** Pairs of orders to draw where fields are many. */
  pairs: 32,
  seed: 1,
} as const;
