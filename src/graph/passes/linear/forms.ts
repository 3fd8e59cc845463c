/** The nodes of a graph as linear forms. A form is written out when its value is first read. */
import { Graph } from '../../graph.ts';
import { isBatch, sameShape } from '../../shape.ts';
import { isOp, type Tensor } from '../../tensor.ts';
import { copyNode, simplify } from '../simplify.ts';
import {
  cut,
  type Form,
  fitsRows,
  formCost,
  hasKernels,
  isRows,
  negated,
  ofAtom,
  product,
  scaled,
  shifted,
  sum,
  turned,
  widened,
  written,
} from './linear-form.ts';

export class Forms {
  readonly #graph = new Graph();
  readonly #values = new Map<number, Tensor>();
  readonly #forms = new Map<number, Form>();
  /** The form of each value that was written out, by the id of the value. */
  readonly #origins = new Map<number, Form>();

  /** Takes up a node after its inputs: as a form, as the value of a form, or with the op that it is. */
  add(node: Tensor, as: 'form' | 'value' | 'as before'): void {
    const form = as !== 'as before' && isRows(node.shape) ? this.#formOf(node) : undefined;
    if (form === undefined) this.#values.set(node.id, this.#copied(node));
    else {
      this.#forms.set(node.id, form);
      if (as === 'value') this.valueOf(node);
    }
  }

  /** The value of a node in the new graph; a form is written out at first use. */
  valueOf(node: Tensor): Tensor {
    const known = this.#values.get(node.id);
    if (known !== undefined) return known;
    const form = this.#opened(this.#forms.get(node.id) as Form);
    const value = written(form);
    this.#origins.set(value.id, form);
    this.#values.set(node.id, value);
    return value;
  }

  #copied(node: Tensor): Tensor {
    const inputs = node.inputs.map((input) => this.valueOf(input));
    return copyNode(this.#graph, node, inputs);
  }

  /** A node as a form; a node that was written out is an atom. */
  #form(node: Tensor): Form {
    const form = this.#values.has(node.id) ? undefined : this.#forms.get(node.id);
    return form ?? ofAtom(this.valueOf(node));
  }

  #formOf(node: Tensor): Form | undefined {
    const [a, b] = node.inputs;
    if (isOp(node, 'matmul')) return this.#product(node);
    if (isOp(node, 'slice')) return this.#cut(node);
    switch (node.op) {
      case 'neg':
        return negated(this.#form(a));
      case 'add':
        return this.#sum(node, (form) => form);
      case 'sub':
        return this.#sum(node, negated);
      case 'mul':
        return this.#scaled(node, a, b) ?? this.#scaled(node, b, a);
      default:
        return undefined;
    }
  }

  /** A sum; `second` is applied to the second operand: `negated` for a difference. */
  #sum(node: Tensor, second: (form: Form) => Form): Form | undefined {
    const [a, b] = node.inputs;
    const rows = (x: Tensor): boolean => isRows(x.shape);
    if (rows(a) && rows(b)) {
      const both = [a, b].map((x) => this.#fitting(x, node));
      return both[0] && both[1] && sum(both[0], second(both[1]));
    }
    if (rows(a) && this.#fits(b, node) && sameShape(a.shape, node.shape)) {
      const shift = this.valueOf(b);
      return shifted(this.#form(a), node.op === 'sub' ? simplify(this.#graph, 'neg', [shift], {}) : shift);
    }
    if (rows(b) && this.#fits(a, node) && sameShape(b.shape, node.shape))
      return shifted(second(this.#form(b)), this.valueOf(a));
    return undefined;
  }

  /** Is it equal for all rows, and does it keep the rows' shape? */
  #fits = (x: Tensor, node: Tensor): boolean => fitsRows(x, node.shape);

  /** An operand as a form of the node's shape: one column may stand for all. */
  #fitting(x: Tensor, { shape }: Tensor): Form | undefined {
    if (sameShape(x.shape, shape)) return this.#form(x);
    const columns = shape.at(-1) as number;
    if (!sameShape([...x.shape.slice(0, -1), columns], shape)) return undefined;
    const form = this.#form(x);
    return hasKernels(form) ? widened(form, columns) : undefined;
  }

  #scaled(node: Tensor, x: Tensor, factors: Tensor): Form | undefined {
    if (!isRows(x.shape) || !this.#fits(factors, node)) return undefined;
    const form = this.#fitting(x, node);
    return form && (hasKernels(form) || form.terms.length === 1) ? scaled(form, this.valueOf(factors)) : undefined;
  }

  #product(node: Tensor<'matmul'>): Form | undefined {
    const [x, weights] = node.inputs;
    const { transposeA, transposeB } = node.attributes;
    if (transposeA || !isRows(x.shape) || weights.shape.some(isBatch)) return undefined;
    const kernel = transposeB ? turned(this.valueOf(weights)) : this.valueOf(weights);
    const form = this.#form(x);
    const merged = product(form, kernel, node.shape);
    const separate = formCost(form) + formCost(product(ofAtom(x), kernel, node.shape));
    return formCost(merged) <= separate ? merged : product(ofAtom(this.valueOf(x)), kernel, node.shape);
  }

  #cut({ shape, inputs: [x], attributes: { axis, start, end } }: Tensor<'slice'>): Form | undefined {
    const form = axis === shape.length - 1 ? this.#form(x) : undefined;
    return form && hasKernels(form) ? cut(form, start, end) : undefined;
  }

  /** Without the atoms that are forms of the other atoms: their kernels are added to those of the others at no cost. */
  #opened(form: Form): Form {
    for (const term of form.terms) {
      const origin = this.#origins.get(term.atom.id);
      const others = form.terms.filter((other) => other !== term);
      if (origin === undefined || term.weight.kind !== 'kernel' || !hasKernels(origin)) continue;
      const present = (atom: Tensor): boolean =>
        others.some((other) => other.atom === atom && other.weight.kind === 'kernel');
      if (!origin.terms.every(({ atom }) => present(atom))) continue;
      const rest: Form = { ...form, terms: others };
      return this.#opened(sum(rest, product(origin, term.weight.kernel, form.shape)));
    }
    return form;
  }
}
