/**
 * The ops as functions: what models are written in. Each function returns the simplest node of equal value (`x * 1` is
 * `x`), so that derivatives read and run as if written by hand.
 */
export * from './arrange.ts';
export * from './axes.ts';
export * from './elementwise.ts';
