/** The finished graph: checked, laid out, written as ONNX bytes, printed as text. */
import { create, toBinary } from '@bufbuild/protobuf';
import { error } from '../../base/errors/index.ts';
import type { OpRule } from '../ops/rule.ts';
import { OPS, type OpName } from '../ops/table.ts';
import { nodesBefore } from '../order.ts';
import { planLayout } from '../passes/layout.ts';
import { type Product, productsOf } from '../products.ts';
import { isBatch, type Shape, sameShape, showShape } from '../shape.ts';
import type { ElementType, Tensor } from '../tensor.ts';
import { Emitter } from './emit.ts';
import {
  ModelProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts';
import { DATA_TYPES, type StoredValue } from './proto.ts';

const IR_VERSION = 8n;
const OPSET = 17n;

export interface Port {
  name: string;
  shape: Shape;
  type: ElementType;
}

export interface CompiledGraph {
  /** A whole ONNX model; its batch dimension is named `batch`. */
  bytes: Uint8Array;
  inputs: Port[];
  outputs: Port[];
  /** Its matrix products: from them the arithmetic of a run is counted. */
  products: Product[];
}

export interface CompileOptions {
  /** Inputs that are not fed but belong to the model, by name: of fixed shape, float32. ONNX Runtime may fold and rearrange them. */
  stored?: ReadonlyMap<string, StoredValue>;
  /** The usual batch size: long batches are stored transposed where that is faster. Results do not depend on it beyond rounding. */
  batchHint?: number;
}

const WAITING: ReadonlySet<string> = new Set(['matmul', 'greater', 'constant']);

/** Compiles the named outputs and all that they need. */
export function compile(outputs: Record<string, Tensor>, options: CompileOptions = {}): CompiledGraph {
  const tensors = Object.values(outputs);
  const nodes = nodesBefore(...tensors);
  check(nodes);
  const layout = planLayout(nodes, tensors, options.batchHint ?? 1);
  const emitter = new Emitter(layout, countUses(nodes, tensors), options.stored);
  for (const node of nodes) if (node.op === 'input') emitter.emit(node); // inputs in declared order
  // In order, so that deep graphs need no deep recursion. What a reader may take in (Gemm with bias, masks) waits for one.
  for (const node of nodes) if (!WAITING.has(node.op)) emitter.emit(node);
  for (const [name, tensor] of Object.entries(outputs)) emitter.output(name, tensor);
  const inputs = emitter.inputs.map((input): Port => input.attributes);
  const taken = inputs.find(({ name }) => Object.hasOwn(outputs, name));
  if (taken !== undefined)
    throw error('GRAPH_INVALID', { node: `output ${taken.name}`, problem: 'an input has the same name' });
  const ports = Object.entries(outputs).map(([name, { shape, type }]): Port => ({ name, shape, type }));
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'tributary',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: 'tributary',
      node: emitter.nodes,
      initializer: emitter.initializers,
      input: inputs.map(valueInfo),
      output: ports.map(valueInfo),
    },
  });
  return { bytes: toBinary(ModelProtoSchema, model), inputs, outputs: ports, products: productsOf(nodes) };
}

/** What a valid graph is: one graph, inputs before users, every shape as its rule says, every input name once. */
export function check(nodes: readonly Tensor[]): void {
  const seen = new Set<number>();
  const names = new Set<string>();
  for (const node of nodes) {
    const at = `%${node.id} ${node.op}`;
    if (node.inputs.some((input) => input.graph !== node.graph))
      throw error('GRAPH_INVALID', { node: at, problem: 'an input belongs to another graph' });
    if (node.inputs.some((input) => !seen.has(input.id)))
      throw error('GRAPH_INVALID', { node: at, problem: 'an input comes after its user' });
    const { shape, type } = (OPS[node.op] as OpRule<OpName>).infer(node.inputs, node.attributes);
    if (!sameShape(shape, node.shape) || type !== node.type)
      throw error('GRAPH_INVALID', {
        node: at,
        problem: `is ${type}${showShape(shape)} by its rule, but recorded as ${node.type}${showShape(node.shape)}`,
      });
    if (node.op === 'input') {
      const { name } = (node as Tensor<'input'>).attributes;
      if (names.has(name)) throw error('GRAPH_INVALID', { node: at, problem: `two inputs are named ${name}` });
      names.add(name);
    }
    seen.add(node.id);
  }
}

/** The graph as text, a node a line: what golden tests compare and people read. */
export function dump(outputs: Record<string, Tensor>): string {
  const nodes = nodesBefore(...Object.values(outputs));
  const number = new Map(nodes.map((node, i) => [node.id, i]));
  const lines = nodes.map((node) => {
    const args = [...node.inputs.map((input) => `%${number.get(input.id)}`), ...attributesAsText(node)].join(', ');
    return `%${number.get(node.id)} = ${node.op}(${args}) : ${node.type}${showShape(node.shape)}`;
  });
  const returned = Object.entries(outputs).map(([name, tensor]) => `${name} = %${number.get(tensor.id)}`);
  return `${[...lines, `return ${returned.join(', ')}`].join('\n')}\n`;
}

function attributesAsText(node: Tensor): string[] {
  if (node.op === 'input') return [(node as Tensor<'input'>).attributes.name];
  if (node.op === 'constant') return [`[${(node as Tensor<'constant'>).attributes.values.join()}]`];
  return Object.entries(node.attributes)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? name : `${name}=${JSON.stringify(value).replaceAll('"', '')}`));
}

function countUses(nodes: readonly Tensor[], outputs: readonly Tensor[]): Map<number, number> {
  const uses = new Map<number, number>();
  const use = (tensor: Tensor): void => void uses.set(tensor.id, (uses.get(tensor.id) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(use);
  outputs.forEach(use);
  return uses;
}

function valueInfo({ name, shape, type }: Port): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: isBatch(size)
        ? { case: 'dimParam', value: size === 'B' ? 'batch' : `batch*${size.slice(0, -1)}` }
        : { case: 'dimValue', value: BigInt(size) },
    }),
  );
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: DATA_TYPES[type],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } }),
  });
}
