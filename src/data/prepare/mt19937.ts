/**
 * The Mersenne Twister MT19937 (Matsumoto & Nishimura 1998) and the permutation that AutoIFS' authors split by.
 * NumPy's legacy `RandomState(seed).shuffle` gives the same numbers.
 */

const N = 624;
const M = 397;

/** A stream of unsigned 32-bit words, seeded with a plain integer. */
export function mt19937(seed: number): () => number {
  const state = new Uint32Array(N);
  state[0] = seed;
  for (let i = 1; i < N; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = N;
  const twist = (i: number, next: number, far: number): void => {
    const y = (state[i] & 0x80000000) | (state[next] & 0x7fffffff);
    state[i] = state[far] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  };
  const refill = (): void => {
    for (let i = 0; i < N - M; i++) twist(i, i + 1, i + M);
    for (let i = N - M; i < N - 1; i++) twist(i, i + 1, i + M - N);
    twist(N - 1, 0, M - 1);
    at = 0;
  };
  return () => {
    if (at === N) refill();
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  };
}

/** 0 .. n-1 in the order of the seed: Fisher-Yates from the end, every draw by mask and rejection. */
export function permutation(n: number, seed: number): Int32Array {
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  const next = mt19937(seed);
  for (let i = n - 1; i > 0; i--) {
    const mask = 0xffffffff >>> Math.clz32(i);
    let j = (next() & mask) >>> 0;
    while (j > i) j = (next() & mask) >>> 0;
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
  return order;
}
