/** Small dense matrices, row after row: Cholesky factors, inverses, eigenvectors. */

/**
 * Replaces the lower triangle of a symmetric positive definite [n,n] matrix by its Cholesky factor L, A = L L'. What lies
 * above the diagonal is neither read nor written. Returns false where the matrix is not positive definite.
 */
export function cholesky(a: Float64Array, n: number): boolean {
  for (let j = 0; j < n; j++) {
    let diagonal = a[j * n + j];
    for (let k = 0; k < j; k++) diagonal -= a[j * n + k] * a[j * n + k];
    if (!(diagonal > 0)) return false;
    const root = Math.sqrt(diagonal);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = sum / root;
    }
  }
  return true;
}

/** Solves L L' x = b in place of b. */
export function solveCholesky(l: Float64Array, n: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * b[k];
    b[i] = sum / l[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i];
    for (let k = i + 1; k < n; k++) sum -= l[k * n + i] * b[k];
    b[i] = sum / l[i * n + i];
  }
}

/** Writes the inverse of a lower triangular matrix into `out`, whose upper triangle stays as it is. */
export function invertLower(l: Float64Array, n: number, out: Float64Array): void {
  for (let j = 0; j < n; j++) {
    out[j * n + j] = 1 / l[j * n + j];
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= l[i * n + k] * out[k * n + j];
      out[i * n + j] = sum / l[i * n + i];
    }
  }
}

/** The full inverse of a symmetric positive definite [n,n] matrix, whose lower triangle becomes its Cholesky factor. */
export function inverseOf(symmetric: Float64Array, n: number): Float64Array {
  cholesky(symmetric, n);
  const lower = new Float64Array(n * n);
  invertLower(symmetric, n, lower);
  const out = new Float64Array(n * n);
  for (let k = 0; k < n; k++)
    for (let i = 0; i <= k; i++) {
      const factor = lower[k * n + i];
      if (factor === 0) continue;
      for (let j = 0; j <= i; j++) out[i * n + j] += factor * lower[k * n + j];
    }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[j * n + i] = out[i * n + j];
  return out;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a' M b of a symmetric M of which the lower triangle is there. */
export function bilinear(lower: Float64Array, n: number, a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += a[i] * lower[i * n + i] * b[i];
    for (let j = 0; j < i; j++) sum += lower[i * n + j] * (a[i] * b[j] + a[j] * b[i]);
  }
  return sum;
}

/**
 * Eigenvectors of a symmetric [n,n] matrix by cyclic Jacobi rotations, as rows [n,n], largest eigenvalue first. Signs are
 * those that make the entry of largest magnitude positive.
 */
export function eigenvectors(matrix: Float64Array, n: number): Float64Array {
  const a = Float64Array.from(matrix);
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < n * n; i++) {
      all += a[i] * a[i];
      if (i % (n + 1) !== 0) off += a[i] * a[i];
    }
    if (off <= 1e-32 * all) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  const out = new Float64Array(n * n);
  for (const [rank, column] of order.entries()) {
    let largest = 0;
    for (let i = 0; i < n; i++) if (Math.abs(v[i * n + column]) > Math.abs(largest)) largest = v[i * n + column];
    for (let i = 0; i < n; i++) out[rank * n + i] = largest < 0 ? -v[i * n + column] : v[i * n + column];
  }
  return out;
}

/** One Jacobi rotation: makes a[p,q] 0, and turns the columns p and q of v along with it. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q];
  if (apq === 0) return;
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const kp = a[k * n + p];
    const kq = a[k * n + q];
    a[k * n + p] = c * kp - s * kq;
    a[k * n + q] = s * kp + c * kq;
  }
  for (let k = 0; k < n; k++) {
    const pk = a[p * n + k];
    const qk = a[q * n + k];
    a[p * n + k] = c * pk - s * qk;
    a[q * n + k] = s * pk + c * qk;
  }
  for (let k = 0; k < n; k++) {
    const kp = v[k * n + p];
    const kq = v[k * n + q];
    v[k * n + p] = c * kp - s * kq;
    v[k * n + q] = s * kp + c * kq;
  }
}
