/** Turns nodes into ONNX nodes. Ops call back here for names of their inputs in the storage they need. */
import { create } from '@bufbuild/protobuf';
import { error } from '../../base/errors/index.ts';
import type { OpRule } from '../ops/rule.ts';
import { OPS, type OpName } from '../ops/table.ts';
import { batchMultiple, elements, isBatch, type Shape, sameShape } from '../shape.ts';
import type { ElementType, Tensor } from '../tensor.ts';
import {
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from './generated/onnx_pb.ts';
import { type AttributeValue, attributeProto, bytesOf, DATA_TYPES, type StoredValue, storedTensor } from './proto.ts';

export class Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly inputs: Tensor<'input'>[] = [];
  readonly #emitted = new Map<number, string>();
  readonly #converted = new Map<string, string>();
  readonly #flipped: ReadonlySet<number>;
  readonly #uses: ReadonlyMap<number, number>;
  readonly #bound: ReadonlyMap<string, StoredValue>;
  #count = 0;

  /** `flipped`: ids of nodes stored transposed (layout.ts); `uses`: how often each node is read; `bound`: inputs that are not fed. */
  constructor(
    flipped: ReadonlySet<number>,
    uses: ReadonlyMap<number, number>,
    bound: ReadonlyMap<string, StoredValue> = new Map(),
  ) {
    this.#flipped = flipped;
    this.#uses = uses;
    this.#bound = bound;
  }

  /** Emits a tensor as it is stored. */
  emit(tensor: Tensor): void {
    this.asStored(tensor);
  }

  /** Is it stored transposed? */
  isFlipped(tensor: Tensor): boolean {
    return this.#flipped.has(tensor.id);
  }

  /** Does one node alone read it? */
  isReadOnce(tensor: Tensor): boolean {
    return this.#uses.get(tensor.id) === 1;
  }

  /** Is it an input that is bound to eight bits? */
  isInt8(tensor: Tensor): tensor is Tensor<'input'> {
    const bound = tensor.op === 'input' ? this.#bound.get((tensor as Tensor<'input'>).attributes.name) : undefined;
    return bound !== undefined && 'int8' in bound;
  }

  /** Name of a tensor in plain storage. */
  value(tensor: Tensor): string {
    return this.isFlipped(tensor) ? this.#turned(tensor) : this.asStored(tensor);
  }

  /** Name of an elementwise input, shaped to broadcast against `node` as `node` is stored. */
  aligned(input: Tensor, node: Tensor): string {
    if (!this.isFlipped(node)) return this.value(input);
    const [rows, columns] = input.shape.length === 2 ? input.shape : [1, input.shape[0] ?? 1];
    if (input.shape.length === 0 || (rows === 1 && columns === 1)) return this.value(input);
    if (isBatch(rows)) return this.asFlipped(input);
    return this.reshaped(this.value(input), [columns, 1]); // a row of n numbers stands as a column
  }

  /** Name of an input and of its axes for an op that works along axes. */
  renamedAxes(input: Tensor, axes: readonly number[], node: Tensor): { name: string; axes: number[] } {
    const reduces = node.op === 'reduceSum' || node.op === 'reduceMax';
    const flip = reduces ? this.isFlipped(input) : this.isFlipped(node);
    if (!flip) return { name: this.value(input), axes: [...axes] };
    return {
      name: this.asFlipped(input),
      axes: axes.map((axis) => 1 - axis),
    };
  }

  /** The result of a reduction that kept its axes, back in plain storage where `node` is stored so. */
  restore(name: string, node: Tensor<'reduceSum' | 'reduceMax'>): string {
    const [input] = node.inputs;
    return node.attributes.keep && this.isFlipped(input) && !this.isFlipped(node)
      ? this.reshaped(name, node.shape)
      : name;
  }

  input(node: Tensor<'input'>): string {
    const { name, shape, type } = node.attributes;
    const value = this.#bound.get(name);
    if (value === undefined) this.inputs.push(node);
    else if ('int8' in value) {
      this.#initializer(name, TensorProto_DataType.INT8, shape as number[], bytesOf(value.int8));
      this.#initializer(`${name}.scales`, TensorProto_DataType.FLOAT, [value.scales.length], bytesOf(value.scales));
    } else this.initializers.push(storedTensor(name, shape, type, value));
    return name;
  }

  constant(node: Tensor<'constant'>): string {
    const { values, shape, type } = node.attributes;
    const data =
      type === 'float32'
        ? Float32Array.from(values)
        : type === 'int32'
          ? Int32Array.from(values)
          : Uint8Array.from(values);
    return this.#initializer(`%c${node.id}`, DATA_TYPES[type], shape, new Uint8Array(data.buffer));
  }

  cast(name: string, to: ElementType): string {
    return this.add('Cast', [name], { to: DATA_TYPES[to] });
  }

  /** A function of one number, computed in float64 and rounded. */
  inDouble(opType: string, name: string): string {
    const wide = this.add('Cast', [name], { to: TensorProto_DataType.DOUBLE });
    return this.cast(this.add(opType, [wide]), 'float32');
  }

  /**
   * `x > 0` as a number, the mask of relu's derivative, in one pass over memory instead of two (Greater, Cast): a straight
   * line of slope 3e38 through 0, cut off at 0 and 1.
   */
  positiveMask(node: Tensor<'cast'>): string | undefined {
    const [condition] = node.inputs;
    if (condition.op !== 'greater' || node.attributes.to !== 'float32') return undefined;
    const [x, bound] = condition.inputs as [Tensor, Tensor<'constant'>];
    if (x.type !== 'float32' || bound.op !== 'constant' || bound.attributes.values.some((value) => value !== 0))
      return undefined;
    if (!sameShape(x.shape, node.shape)) return undefined;
    return this.add('HardSigmoid', [this.aligned(x, node)], { alpha: { float: 3e38 }, beta: { float: 0 } });
  }

  expand(node: Tensor<'expand'>): string {
    return this.add('Expand', [this.value(node.inputs[0]), this.#runtimeShape(node)]);
  }

  /** ScatterND would take rows as they are, but on several threads it loses additions to equal rows (onnxruntime issue 18048). */
  scatterAdd(node: Tensor<'scatterAdd'>): string {
    const [values, indices] = node.inputs;
    const rest = node.shape.slice(1);
    const count = elements(indices.shape);
    const rows = this.reshaped(this.value(values), [count, ...rest]);
    const column = this.reshaped(this.value(indices), [count, ...rest.map(() => 1)]);
    const positions = this.add('Expand', [column, this.add('Shape', [rows])]);
    const zeros = this.add('ConstantOfShape', [this.#runtimeShape(node)]);
    return this.add('ScatterElements', [zeros, positions, rows], { axis: 0, reduction: 'add' });
  }

  /** A stored number. */
  float(value: number): string {
    const bytes = bytesOf(Float32Array.of(value));
    return this.once(`%f${value}`, () => this.#initializer(`%f${value}`, TensorProto_DataType.FLOAT, [], bytes));
  }

  /** A stored whole number from 0 to 255. */
  uint8(value: number): string {
    const bytes = Uint8Array.of(value);
    return this.once(`%u${value}`, () => this.#initializer(`%u${value}`, TensorProto_DataType.UINT8, [], bytes));
  }

  /** A stored list of int64: shapes, axes, bounds. */
  int64s(values: readonly number[]): string {
    const key = `%i64_${values.join('_').replaceAll('-', 'm')}`;
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.once(key, () => this.#initializer(key, TensorProto_DataType.INT64, [values.length], bytes));
  }

  /** Adds a node with one result; returns the result's name. Names of ours begin with %, those of inputs and outputs do not. */
  add(opType: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}): string {
    const output = `%${this.#count++}`;
    const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
    this.nodes.push(
      create(NodeProtoSchema, { opType, name: `${opType} ${output}`, input: [...inputs], output: [output], attribute }),
    );
    return output;
  }

  /** Gives a graph output its public name. */
  output(name: string, tensor: Tensor): void {
    this.nodes.push(
      create(NodeProtoSchema, {
        opType: 'Identity',
        name: `output ${name}`,
        input: [this.value(tensor)],
        output: [name],
      }),
    );
  }

  /** Name of a tensor as it is stored; makes its nodes at first use. */
  asStored(tensor: Tensor): string {
    const known = this.#emitted.get(tensor.id);
    if (known !== undefined) return known;
    const name = (OPS[tensor.op] as OpRule<OpName>).emit(this, tensor);
    this.#emitted.set(tensor.id, name);
    return name;
  }

  /** Name of a [B, n] tensor in transposed storage. */
  asFlipped(tensor: Tensor): string {
    return this.isFlipped(tensor) ? this.asStored(tensor) : this.#turned(tensor);
  }

  /** A [B, n] tensor in the storage that it does not have. */
  #turned(tensor: Tensor): string {
    return this.once(`turned ${tensor.id}`, () => {
      const name = this.asStored(tensor);
      if (tensor.shape[1] === 1)
        return this.add('Reshape', [name, this.int64s(this.isFlipped(tensor) ? [-1, 1] : [1, -1])]);
      return this.add('Transpose', [name], { perm: [1, 0] });
    });
  }

  /** Name of a matrix, or a stack of them, in plain storage; turned where asked for. */
  operand(tensor: Tensor, transposed: boolean): string {
    if (!transposed) return this.value(tensor);
    const rank = tensor.shape.length;
    const perm = Array.from({ length: rank }, (_, i) => (i === rank - 2 ? rank - 1 : i === rank - 1 ? rank - 2 : i));
    return this.once(`transposed ${tensor.id}`, () => this.add('Transpose', [this.value(tensor)], { perm }));
  }

  /** Name of a value in another shape; its numbers stay in their order. */
  reshaped(name: string, shape: Shape): string {
    const dims = shape.map((dim) => (isBatch(dim) ? -1 : dim));
    return this.once(`reshaped ${name} ${dims.join()}`, () => this.add('Reshape', [name, this.int64s(dims)]));
  }

  /** The shape of a node as an int64 list, with the batch size found at run time. */
  #runtimeShape(node: Tensor): string {
    if (!node.shape.some(isBatch)) return this.int64s(node.shape as number[]);
    const parts = node.shape.map((dim) =>
      isBatch(dim) ? this.#times(this.batchSize(), batchMultiple(dim)) : this.int64s([dim]),
    );
    return parts.length === 1 ? parts[0] : this.add('Concat', parts, { axis: 0 });
  }

  #times(name: string, multiple: number): string {
    return multiple === 1 ? name : this.add('Mul', [name, this.int64s([multiple])]);
  }

  /** The batch size as an int64 list of one, read from the shape of an input. */
  batchSize(): string {
    return this.once('batch size', () => {
      const source = this.inputs.find((input) => input.shape.some(isBatch));
      if (source === undefined)
        throw error('GRAPH_INVALID', { node: 'expand', problem: 'it needs the batch size, but no input has a batch' });
      const axis = source.shape.findIndex(isBatch);
      const multiple = batchMultiple(source.shape[axis]);
      const shape = this.add('Shape', [source.attributes.name]);
      const size = this.add('Slice', [shape, this.int64s([axis]), this.int64s([axis + 1])]);
      return multiple === 1 ? size : this.add('Div', [size, this.int64s([multiple])]);
    });
  }

  /** A name that is made at first use. */
  once(key: string, make: () => string): string {
    const known = this.#converted.get(key);
    if (known !== undefined) return known;
    const name = make();
    this.#converted.set(key, name);
    return name;
  }

  #initializer(name: string, dataType: TensorProto_DataType, dims: readonly number[], rawData: Uint8Array): string {
    this.initializers.push(create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData }));
    return name;
  }
}
