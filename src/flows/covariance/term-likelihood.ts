/** The rows y ~ N(0, K + H Sigma H) of one term at given strengths and variances. */
export interface TermLikelihood {
  /** [C] (K + H Sigma H)^-1 y of the row that was factored last. */
  readonly a: Float64Array;
  /** A row's part of the negative log likelihood; undefined where its matrix is not positive definite. */
  factor(row: number): number | undefined;
  /** Adds the row that was factored last to the derivative. */
  addDerivative(): void;
  /** Adds the gradient of the rows that were added. */
  chain(into: TermGradient): void;
}

/** Of a field's variances [4], and of the strengths [4, C]. */
export interface TermGradient {
  tau2: Float64Array;
  W: Float64Array;
}
