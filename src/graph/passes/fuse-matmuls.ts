/**
 * Fewer products for the same values: products with weights that follow each other, or that are added, become one where that
 * takes fewer multiply-adds. Batch norms go into the kernels before or after them, low-rank additions into the kernel they add to.
 */

import { Graph } from '../graph.ts';
import { multiplyAdds, productsOf } from '../multiply-adds.ts';
import type { OpName } from '../ops/attributes.ts';
import { nodesBefore } from '../order.ts';
import { isBatch, resolve, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
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
import { make } from './simplify.ts';

type Outputs = Record<string, Tensor>;

/**
 * The same outputs with fewer multiply-adds, in a graph of their own. A value with several readers is either computed once, or
 * each reader takes in what it is made of: what the whole graph costs decides, one value after the other. What comparisons read
 * stays as it is, bit for bit.
 */
export function mergeProducts(outputs: Outputs): Outputs {
  const shared = sharedForms(outputs);
  const starts = [new Set(shared), new Set<number>()].map((kept) => improved(outputs, kept, shared));
  const asBefore = { outputs, cost: costOf(outputs) };
  return starts.reduce((a, b) => (b.cost < a.cost ? b : a), asBefore).outputs;
}

interface Attempt {
  outputs: Outputs;
  cost: number;
}

function improved(outputs: Outputs, kept: Set<number>, shared: readonly number[]): Attempt {
  const attempt = (): Attempt => {
    const merged = rewritten(outputs, kept);
    return { outputs: merged, cost: costOf(merged) };
  };
  let best = attempt();
  for (let before = Number.POSITIVE_INFINITY; best.cost < before; ) {
    before = best.cost;
    for (const id of shared) {
      flip(kept, id);
      const changed = attempt();
      if (changed.cost < best.cost) best = changed;
      else flip(kept, id);
    }
  }
  return best;
}

const flip = (set: Set<number>, id: number): void => void (set.delete(id) || set.add(id));

/** Multiply-adds of a row, and every number of it that is written. */
function costOf(outputs: Outputs): number {
  const nodes = nodesBefore(...Object.values(outputs)).filter(({ shape }) => shape.some(isBatch));
  const numbers = nodes.reduce((total, { shape }) => total + resolve(shape, 1).reduce((count, n) => count * n, 1), 0);
  return numbers + productsOf(nodes).reduce((total, one) => total + multiplyAdds(one, 1), 0);
}

/** Values that take products and that several others read. */
function sharedForms(outputs: Outputs): number[] {
  const nodes = nodesBefore(...Object.values(outputs));
  const uses = new Map<number, number>();
  for (const { inputs } of nodes) for (const { id } of inputs) uses.set(id, (uses.get(id) ?? 0) + 1);
  const candidates = ['matmul', 'add', 'sub', 'mul', 'slice'];
  return nodes
    .filter(({ id, op, shape }) => (uses.get(id) ?? 0) > 1 && candidates.includes(op) && isRows(shape))
    .map(({ id }) => id);
}

/** `kept`: ids of values that are computed as such. */
function rewritten(outputs: Outputs, kept: ReadonlySet<number>): Outputs {
  const forms = new Forms();
  const nodes = nodesBefore(...Object.values(outputs));
  const compared = beforeComparisons(nodes);
  for (const node of nodes) forms.add(node, compared.has(node.id) ? 'as before' : kept.has(node.id) ? 'value' : 'form');
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, forms.valueOf(output)]));
}

/** What comparisons depend on: rounded otherwise, a gate near its bound would be another one. */
function beforeComparisons(nodes: readonly Tensor[]): ReadonlySet<number> {
  const comparisons = nodes.filter(({ op }) => op === 'greater' || op === 'less' || op === 'equal');
  return new Set(nodesBefore(...comparisons).map(({ id }) => id));
}

class Forms {
  readonly #graph = new Graph();
  readonly #values = new Map<number, Tensor>();
  readonly #forms = new Map<number, Form>();
  /** What values that were written out are made of, by the id of the value. */
  readonly #origins = new Map<number, Form>();

  /** Takes up a node whose inputs it knows: as a form, as the value of one, or with the op that it is. */
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
    if (node.op === 'input') {
      const { name, shape, type } = (node as Tensor<'input'>).attributes;
      return this.#graph.input(name, shape, type);
    }
    return make<OpName>(
      this.#graph,
      node.op,
      node.inputs.map((input) => this.valueOf(input)),
      node.attributes,
    );
  }

  /** A node as a form; one that stands as a value is an atom. */
  #form(node: Tensor): Form {
    const form = this.#values.has(node.id) ? undefined : this.#forms.get(node.id);
    return form ?? ofAtom(this.valueOf(node));
  }

  #formOf(node: Tensor): Form | undefined {
    const [a, b] = node.inputs;
    switch (node.op) {
      case 'neg':
        return negated(this.#form(a));
      case 'add':
        return this.#sum(node, (form) => form);
      case 'sub':
        return this.#sum(node, negated);
      case 'mul':
        return this.#scaled(node, a, b) ?? this.#scaled(node, b, a);
      case 'matmul':
        return this.#product(node as Tensor<'matmul'>);
      case 'slice': {
        const { axis, start, end } = (node as Tensor<'slice'>).attributes;
        const form = axis === node.shape.length - 1 ? this.#form(a) : undefined;
        return form && hasKernels(form) ? cut(form, start, end) : undefined;
      }
      default:
        return undefined;
    }
  }

  /** `second`: what becomes of the second operand. */
  #sum(node: Tensor, second: (form: Form) => Form): Form | undefined {
    const [a, b] = node.inputs;
    const rows = (x: Tensor): boolean => isRows(x.shape);
    if (rows(a) && rows(b)) {
      const both = [a, b].map((x) => this.#fitting(x, node));
      return both[0] && both[1] && sum(both[0], second(both[1]));
    }
    if (rows(a) && this.#fits(b, node) && sameShape(a.shape, node.shape)) {
      const shift = this.valueOf(b);
      return shifted(this.#form(a), node.op === 'sub' ? make(this.#graph, 'neg', [shift], {}) : shift);
    }
    if (rows(b) && this.#fits(a, node) && sameShape(b.shape, node.shape))
      return shifted(second(this.#form(b)), this.valueOf(a));
    return undefined;
  }

  /** The same for all rows, and of a size that keeps the rows' shape. */
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

  /** Without the atoms that are made of others in the form: their kernels go into those of the others at no cost. */
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
