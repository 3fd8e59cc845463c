/**
 * The covariance of four flows over the cells:
 *
 *   Sigma = sum_k tau2_k (w_k w_k') o P_k
 *   P1 = J x J,  P2 = D_S x D_T,  P3 = J x D_T,  P4 = D_S x J     (Kronecker; D_n = (I - J/n) n/(n-1))
 *
 * The same as blocks and a few columns. With D_S = (I - J/S) S/(S-1) and D_T = sum over j of e_j e_j',
 *
 *   Sigma = blocks of one scenario's tasks (from the I of D_S in flows 2 and 4) + sum over q of M_q u_q u_q'
 *
 * where the columns u are a flow's strengths times 1 (flows 1 and 4) or times an e_j (flows 2 and 3): 2 T of them.
 */
export const FLOWS = 4;

/** Numbers of scenarios and tasks. */
export interface Cells {
  scenarios: number;
  tasks: number;
}

/** [4] Is there such a flow? Some need two scenarios, some two tasks. */
export const isPossible = ({ scenarios: S, tasks: T }: Cells): boolean[] => [true, S > 1 && T > 1, T > 1, S > 1];

/** [4] of [C,C]: which cells go together in each flow. A flow of which there is none (one scenario, one task) is all 0. */
export function patternsOf(S: number, T: number): readonly Float64Array[] {
  const key = `${S},${T}`;
  const known = PATTERNS.get(key) ?? newPatterns(S, T);
  if (PATTERNS.size > 8) PATTERNS.clear();
  PATTERNS.set(key, known);
  return known;
}

/** Every evaluation of the likelihood reads them. */
const PATTERNS = new Map<string, readonly Float64Array[]>();

function newPatterns(S: number, T: number): readonly Float64Array[] {
  const same = (): number => 1;
  const differ = (n: number) => (i: number, j: number) => (((i === j ? 1 : 0) - 1 / n) * n) / Math.max(n - 1, 1);
  const kron = (a: (i: number, j: number) => number, b: (i: number, j: number) => number): Float64Array => {
    const C = S * T;
    const out = new Float64Array(C * C);
    for (let i = 0; i < C; i++)
      for (let j = 0; j < C; j++) out[i * C + j] = a(Math.floor(i / T), Math.floor(j / T)) * b(i % T, j % T);
    return out;
  };
  return [kron(same, same), kron(differ(S), differ(T)), kron(same, differ(T)), kron(differ(S), same)];
}

/** Replaces v [C] by the flow's pattern times v, in time that grows with C and not with its square. */
export function applyPattern(flow: number, { scenarios: S, tasks: T }: Cells, v: Float64Array): void {
  along(v, T, 1, flow === 1 || flow === 2);
  along(v, S, T, flow === 1 || flow === 3);
}

/** Applies J, or D_n, along the axis of length n whose neighbours are `stride` apart. */
function along(v: Float64Array, n: number, stride: number, isDifferent: boolean): void {
  const scale = n / Math.max(n - 1, 1);
  for (let first = 0; first < v.length; first += n * stride)
    for (let at = first; at < first + stride; at++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += v[at + i * stride];
      for (let i = 0; i < n; i++) v[at + i * stride] = isDifferent ? scale * (v[at + i * stride] - sum / n) : sum;
    }
}

export interface FlowColumn {
  /** 0 to 3. */
  flow: number;
  /** M over the flow's variance. */
  scale: number;
  /** [C] */
  e: Float64Array;
  /** [C] strengths of the flow times e. */
  u: Float64Array;
}

/** [T-1] of [T]: D_T is the sum of their squares. */
function contrastsOf(T: number): Float64Array[] {
  const size = Math.sqrt(T / Math.max(T - 1, 1));
  return Array.from({ length: T - 1 }, (_, j) => {
    const norm = size / Math.sqrt((j + 1) * (j + 2)); // Helmert: the first j + 1 against the next
    return Float64Array.from({ length: T }, (_, t) => (t <= j ? norm : t === j + 1 ? -(j + 1) * norm : 0));
  });
}

/** The columns for strengths W [4, C]. */
export function columnsOf({ scenarios: S, tasks: T }: Cells, W: Float64Array): FlowColumn[] {
  const C = S * T;
  const column = (flow: number, scale: number, part: (t: number) => number): FlowColumn => {
    const e = Float64Array.from({ length: C }, (_, c) => part(c % T));
    return { flow, scale, e, u: e.map((value, c) => value * W[flow * C + c]) };
  };
  const contrasts = contrastsOf(T);
  const one = (): number => 1;
  return [
    column(0, 1, one),
    ...(S > 1 ? contrasts.map((e) => column(1, -1 / (S - 1), (t) => e[t])) : []),
    ...contrasts.map((e) => column(2, 1, (t) => e[t])),
    ...(S > 1 ? [column(3, -1 / (S - 1), one)] : []),
  ];
}

/** [4] of [T, T]: what each flow's covariance has within a scenario alone. */
export function scenarioPatterns({ scenarios: S, tasks: T }: Cells): (Float64Array | undefined)[] {
  if (S === 1) return [undefined, undefined, undefined, undefined];
  const factor = S / (S - 1);
  const differ = Float64Array.from({ length: T * T }, (_, i) =>
    T === 1 ? 0 : (factor * ((i % (T + 1) === 0 ? 1 : 0) - 1 / T) * T) / (T - 1),
  );
  return [undefined, differ, undefined, new Float64Array(T * T).fill(factor)];
}
