/** Compares the product with numbers of reference implementations. */
export { formatRow, formatSummary } from './format.ts';
export { type ParityRow, runParity } from './run.ts';
