/** Builds a lowered graph: numbers its values and shares stored numbers. */
import { bytesOf } from '../../base/numbers.ts';
import type { NodeBuilder, OnnxOp, OnnxType, ValueName } from '../ops/lowering.ts';
import { reshapeDims, type Shape } from '../shape.ts';
import type { AttributeValue, Initializer, LoweredNode } from './lowered.ts';

export class Builder implements NodeBuilder {
  readonly nodes: LoweredNode[] = [];
  readonly initializers: Initializer[] = [];
  readonly #shared = new Map<string, ValueName>();
  #count = 0;
  #from = 'output';

  /** Names of values begin with %, those of inputs and outputs do not. */
  add(op: OnnxOp, inputs: readonly ValueName[], attributes: Record<string, AttributeValue> = {}): ValueName {
    return this.#push(op, inputs, attributes, `%${this.#count++}`);
  }

  /** Gives a value the name of an output. */
  output(name: string, value: ValueName): void {
    this.#push('Identity', [value], {}, name);
  }

  store(initializer: Initializer): ValueName {
    this.initializers.push(initializer);
    return initializer.name;
  }

  /** Nodes that `add` adds meanwhile are recorded as lowered `from` this. */
  within(from: string, add: () => ValueName): ValueName {
    const outer = this.#from;
    this.#from = from;
    const value = add();
    this.#from = outer;
    return value;
  }

  once(key: string, make: () => ValueName): ValueName {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const value = make();
    this.#shared.set(key, value);
    return value;
  }

  reshaped(value: ValueName, shape: Shape): ValueName {
    const dims = reshapeDims(shape);
    return this.once(`reshaped ${value} ${dims.join()}`, () => this.add('Reshape', [value, this.int64s(dims)]));
  }

  cast(value: ValueName, to: OnnxType): ValueName {
    return this.add('Cast', [value], { to: { type: to } });
  }

  float(value: number): ValueName {
    return this.#number(`%f${value}`, 'float32', [], Float32Array.of(value));
  }

  uint8(value: number): ValueName {
    return this.#number(`%u${value}`, 'uint8', [], Uint8Array.of(value));
  }

  int64s(values: readonly number[]): ValueName {
    const name = `%i64_${values.join('_').replaceAll('-', 'm')}`;
    return this.#number(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  #number(name: ValueName, type: OnnxType, shape: number[], data: ArrayBufferView): ValueName {
    return this.once(name, () => this.store({ name, type, shape, content: { bytes: bytesOf(data) } }));
  }

  #push(
    op: OnnxOp,
    inputs: readonly ValueName[],
    attributes: Record<string, AttributeValue>,
    output: ValueName,
  ): ValueName {
    this.nodes.push({ op, inputs: [...inputs], attributes, output, from: this.#from });
    return output;
  }
}
