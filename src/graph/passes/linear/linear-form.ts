/**
 * Linear forms: a value [..., B, n] as a sum of products of other values with weights, plus a row of numbers. Sums,
 * scalings and products of such values with weights are linear forms again, and may take fewer products when they are
 * written out.
 *
 * value = sum_i atom_i K_i + shift          K_i: weights [..., m_i, n], a sign, or a factor for each column
 */
import { add, expand, matmul, mul, neg, reshape, slice, sub, transpose } from '../../functions/index.ts';
import { isBatch, type Shape, sameShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { simplify } from '../simplify.ts';

/** The factor of an atom. `columns`: factors that broadcast against it, equal for every row. */
export type Weight =
  | { kind: 'sign'; sign: 1 | -1 }
  | { kind: 'columns'; factors: Tensor }
  | { kind: 'kernel'; kernel: Tensor };

export interface Term {
  atom: Tensor;
  weight: Weight;
}

export interface Form {
  terms: readonly Term[];
  shift: Tensor | undefined;
  shape: Shape;
}

export const ofAtom = (atom: Tensor): Form => ({
  terms: [{ atom, weight: { kind: 'sign', sign: 1 } }],
  shift: undefined,
  shape: atom.shape,
});

/** Can a value of this shape be a form? Forms are rows of columns. */
export const isRows = (shape: Shape): boolean => {
  const [rows, columns] = shape.slice(-2);
  return shape.length >= 2 && isBatch(rows) && !isBatch(columns);
};

/** Are the factors equal for every row, and do they broadcast against rows of `shape` without making them larger? */
export function fitsRows(factors: Tensor, shape: Shape): boolean {
  const own = factors.shape;
  if (own.length > shape.length || own.some(isBatch) || own.at(-2) !== (own.length < 2 ? undefined : 1)) return false;
  return own.every((size, i) => size === 1 || size === shape[shape.length - own.length + i]);
}

const isKernel = ({ weight }: Term): boolean => weight.kind === 'kernel';

export const hasKernels = ({ terms }: Form): boolean => terms.every(isKernel);

export function negated({ terms, shift, shape }: Form): Form {
  const turned = terms.map(({ atom, weight }): Term => {
    if (weight.kind === 'sign') return { atom, weight: { kind: 'sign', sign: weight.sign === 1 ? -1 : 1 } };
    if (weight.kind === 'columns')
      return { atom, weight: { ...weight, factors: simplify(atom.graph, 'neg', [weight.factors], {}) } };
    return { atom, weight: { ...weight, kernel: neg(weight.kernel) } };
  });
  return { terms: turned, shift: shift && simplify(shift.graph, 'neg', [shift], {}), shape };
}

/** Sum of two forms of one shape. Kernels of one atom become one. */
export function sum(a: Form, b: Form): Form {
  const terms = [...a.terms];
  for (const term of b.terms) {
    const place = terms.findIndex((other) => other.atom === term.atom && isKernel(other) && isKernel(term));
    if (place < 0) terms.push(term);
    else
      terms[place] = {
        atom: term.atom,
        weight: { kind: 'kernel', kernel: add(kernelOf(terms[place]), kernelOf(term)) },
      };
  }
  return { terms, shift: bothShifts(a.shift, b.shift), shape: a.shape };
}

const kernelOf = ({ weight }: Term): Tensor => (weight as Extract<Weight, { kind: 'kernel' }>).kernel;

const bothShifts = (a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined =>
  a === undefined || b === undefined ? (a ?? b) : simplify(a.graph, 'add', [a, b], {});

export const shifted = (form: Form, by: Tensor): Form => ({ ...form, shift: bothShifts(form.shift, by) });

/** Columns times factors that fit the form's rows. */
export const scaled = ({ terms, shift, shape }: Form, factors: Tensor): Form => ({
  terms: terms.map(({ atom, weight }): Term => {
    if (weight.kind === 'kernel') return { atom, weight: { ...weight, kernel: mul(weight.kernel, factors) } };
    if (weight.kind === 'columns')
      return { atom, weight: { ...weight, factors: simplify(factors.graph, 'mul', [weight.factors, factors], {}) } };
    const signed = weight.sign === 1 ? factors : simplify(factors.graph, 'neg', [factors], {});
    return { atom, weight: { kind: 'columns', factors: signed } };
  }),
  shift: shift && simplify(shift.graph, 'mul', [shift, factors], {}),
  shape,
});

/** A form of one column as a form of n equal columns. Only for forms of kernels. */
export const widened = ({ terms, shift, shape }: Form, columns: number): Form => ({
  terms: terms.map((term) => ({
    atom: term.atom,
    weight: { kind: 'kernel', kernel: expand(kernelOf(term), [...kernelOf(term).shape.slice(0, -1), columns]) },
  })),
  shift: shift && (shift.shape.at(-1) === 1 ? expand(shift, [...shift.shape.slice(0, -1), columns]) : shift),
  shape: [...shape.slice(0, -1), columns],
});

/** Columns [start, end). Only for forms of kernels. */
export const cut = ({ terms, shift, shape }: Form, start: number, end: number): Form => ({
  terms: terms.map((term) => ({
    atom: term.atom,
    weight: { kind: 'kernel', kernel: slice(kernelOf(term), -1, start, end) },
  })),
  shift:
    shift &&
    (shift.shape.length === 0 || shift.shape.at(-1) === 1
      ? shift
      : simplify(shift.graph, 'slice', [shift], { axis: shift.shape.length - 1, start, end })),
  shape: [...shape.slice(0, -1), end - start],
});

/** The form times weights [..., n, p]: `shape` is that of the product. */
export function product({ terms, shift, shape: before }: Form, weights: Tensor, shape: Shape): Form {
  return {
    terms: terms.map((term) => ({ atom: term.atom, weight: { kind: 'kernel', kernel: times(term.weight, weights) } })),
    shift: shift && matmul(asRow(shift, before.at(-1) as number), weights), // [...,1,p]
    shape,
  };
}

function times(weight: Weight, weights: Tensor): Tensor {
  if (weight.kind === 'kernel') return matmul(weight.kernel, weights);
  if (weight.kind === 'sign') return weight.sign === 1 ? weights : neg(weights);
  const { factors } = weight;
  if (factors.shape.length === 0) return mul(factors, weights);
  const column = reshape(factors, [...factors.shape.slice(0, -2), factors.shape.at(-1) as number, 1]); // [...,n,1]
  return mul(column, weights);
}

/** A shift as a row [..., 1, n]. */
function asRow(shift: Tensor, columns: number): Tensor {
  const row = shift.shape.length < 2 ? reshape(shift, [1, shift.shape[0] ?? 1]) : shift;
  return expand(row, [...row.shape.slice(0, -1), columns]);
}

/** Multiply-adds of a form per row of the batch, over all members of the stack. */
export const formCost = ({ terms, shape }: Form): number => {
  const outputs = elements([...shape.slice(0, -2), shape.at(-1) as number]);
  return terms.reduce((total, term) => total + (isKernel(term) ? outputs * (term.atom.shape.at(-1) as number) : 0), 0);
};

const elements = (shape: Shape): number => shape.reduce<number>((total, size) => total * (size as number), 1);

/** The value of a form: products first; the shift is added to the first product, so that both can be fused. */
export function written({ terms, shift, shape }: Form): Tensor {
  const kernels = terms.filter(isKernel);
  const others = terms.filter((term) => !isKernel(term));
  let value: Tensor | undefined;
  for (const term of kernels) {
    const own = matmul(term.atom, kernelOf(term));
    value = value === undefined ? own : add(value, own);
    if (term === kernels[0] && shift !== undefined) value = add(value, shift);
  }
  for (const { atom, weight } of others) {
    const own = weight.kind === 'columns' ? mul(atom, weight.factors) : atom;
    const minus = weight.kind === 'sign' && weight.sign === -1;
    if (value === undefined) value = minus ? neg(own) : own;
    else value = minus ? sub(value, own) : add(value, own);
  }
  if (value === undefined) throw new Error('a form has terms');
  if (kernels.length === 0 && shift !== undefined) value = add(value, shift);
  return sameShape(value.shape, shape) ? value : expand(value, shape);
}

export const turned = (weights: Tensor): Tensor => {
  const last = weights.shape.length - 1;
  return transpose(
    weights,
    weights.shape.map((_, axis) => (axis === last ? last - 1 : axis === last - 1 ? last : axis)),
  );
};
