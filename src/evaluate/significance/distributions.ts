/** Tails and quantiles of the normal and of Student's t distribution, to about 1e-12. */

/** P(|Z| >= |z|) of a standard normal number. */
export const normalTwoSided = (z: number): number => erfc(Math.abs(z) / Math.SQRT2);

/** P(Z <= z) of a standard normal number. */
export const normalBelow = (z: number): number => (z < 0 ? normalTwoSided(z) / 2 : 1 - normalTwoSided(z) / 2);

/** P(|T| >= |t|) of Student's t with `df` degrees of freedom (any positive number). */
export function studentTwoSided(t: number, df: number): number {
  if (t === 0) return 1;
  if (!Number.isFinite(t)) return 0;
  return incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** The z that a standard normal number exceeds in absolute value with this probability: 1.96 for 0.05. */
export const normalCritical = (twoSided: number): number => invert(normalTwoSided, twoSided);

/** The same for Student's t. */
export const studentCritical = (twoSided: number, df: number): number =>
  invert((t) => studentTwoSided(t, df), twoSided);

/** P(X >= x) of a chi-square number with one degree of freedom. */
export const chiSquareTail = (x: number): number => normalTwoSided(Math.sqrt(x));

/** The x that a chi-square number with one degree of freedom exceeds with this probability: 3.84 for 0.05. */
export const chiSquareCritical = (tail: number): number => normalCritical(tail) ** 2;

/** Where a function that falls from 1 to 0 over the positive numbers takes a value. */
function invert(falling: (x: number) => number, value: number): number {
  let high = 1;
  while (falling(high) > value) high *= 2;
  let low = high === 1 ? 0 : high / 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (falling(middle) > value) low = middle;
    else high = middle;
  }
}

/** Complementary error function: a power series near 0, a continued fraction further out. */
function erfc(x: number): number {
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  // Abramowitz and Stegun 7.1.14, evaluated from its end.
  let fraction = x;
  for (let n = 120; n >= 1; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

/** Regularised incomplete beta function I_x(a, b): its continued fraction by Lentz's method (Numerical Recipes 6.4). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges fast on one side of the mean; on the other the symmetric one does.
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

const TINY = 1e-300;
const away = (x: number): number => (Math.abs(x) < TINY ? TINY : x);

function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    for (const factor of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / away(1 + factor * d);
      c = away(1 + factor / c);
      fraction *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return fraction;
}

/** Lanczos' approximation with g = 7 and nine terms. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln of the gamma function for x > 0. */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const y = x - 1;
  const sum = LANCZOS.slice(1).reduce((total, term, i) => total + term / (y + i + 1), LANCZOS[0]);
  const t = y + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum);
}
