/** Finds ids that come twice, of any number: keeps 64 bits of each. Two of 100 million ids are taken for one with a chance of 0.03 %. */
export interface IdSet {
  /** Adds an id; false if it was there. */
  add(id: string): boolean;
}

export function createIdSet(): IdSet {
  /** Pairs of words; both 0: free. Always less than half full. */
  let words = new Uint32Array(2 << 12);
  let count = 0;

  const place = (table: Uint32Array, high: number, low: number): number => {
    const mask = table.length / 2 - 1;
    for (let at = low & mask; ; at = (at + 1) & mask) {
      const [first, second] = [table[2 * at], table[2 * at + 1]];
      if ((first === high && second === low) || (first === 0 && second === 0)) return 2 * at;
    }
  };
  const grow = (): void => {
    const larger = new Uint32Array(words.length * 2);
    for (let at = 0; at < words.length; at += 2) {
      if (words[at] === 0 && words[at + 1] === 0) continue;
      const to = place(larger, words[at], words[at + 1]);
      larger.set(words.subarray(at, at + 2), to);
    }
    words = larger;
  };
  return {
    add(id) {
      const [high, low] = hash(id);
      const at = place(words, high, low);
      if (words[at] === high && words[at + 1] === low) return false;
      words[at] = high;
      words[at + 1] = low;
      if (++count * 4 > words.length) grow();
      return true;
    },
  };
}

/** Two words, mixed as in MurmurHash3 (A. Appleby, public domain); never both 0. */
function hash(id: string): [number, number] {
  let a = 0x9747b28c ^ id.length;
  let b = 0x85ebca6b + id.length;
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    a = Math.imul(rotate(a ^ Math.imul(code, 0xcc9e2d51), 15), 0x1b873593) + 0xe6546b64;
    b = Math.imul(rotate(b ^ Math.imul(code + i, 0x1b873593), 13), 0xcc9e2d51) + a;
  }
  return [finish(a ^ b), (finish(b) | 1) >>> 0];
}

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

function finish(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
