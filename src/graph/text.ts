/** Graphs as text, one node per line: what golden tests compare and people read. */
import type { AttributeValue, LoweredGraph, LoweredNode } from './onnx/lowered.ts';
import { nodesBefore } from './order.ts';
import { showShape } from './shape.ts';
import { isOp, type Tensor } from './tensor.ts';

/** A graph of ops: `%6 = add(%5, %2) : float32[B,3]`. */
export function graphText(outputs: Record<string, Tensor>): string {
  const nodes = nodesBefore(...Object.values(outputs));
  const number = new Map(nodes.map((node, i) => [node.id, i]));
  const lines = nodes.map((node) => {
    const args = [...node.inputs.map((input) => `%${number.get(input.id)}`), ...attributesOf(node)].join(', ');
    return `%${number.get(node.id)} = ${node.op}(${args}) : ${node.type}${showShape(node.shape)}`;
  });
  const returned = Object.entries(outputs).map(([name, tensor]) => `${name} = %${number.get(tensor.id)}`);
  return `${[...lines, `return ${returned.join(', ')}`].join('\n')}\n`;
}

function attributesOf(node: Tensor): string[] {
  if (isOp(node, 'input')) return [node.attributes.name];
  if (isOp(node, 'constant')) return [`[${node.attributes.values.join()}]`];
  return attributesAsText(node.attributes);
}

const attributesAsText = (attributes: object): string[] =>
  Object.entries(attributes)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? name : `${name}=${JSON.stringify(value).replaceAll('"', '')}`));

/** A graph of ONNX nodes, each with what it was lowered from: `%0 = Gemm(x, kernel, bias)  <- product and bias`. */
export function loweredText({ inputs, initializers, nodes, outputs }: LoweredGraph): string {
  return `${[
    ...inputs.map(({ name, type, shape }) => `input ${name} : ${type}${showShape(shape)}`),
    ...initializers.map(({ name, type, shape }) => `stored ${name} : ${type}${showShape(shape)}`),
    ...nodes.map(nodeText),
    `return ${outputs.map(({ name }) => name).join(', ')}`,
  ].join('\n')}\n`;
}

function nodeText({ op, inputs, attributes, output, from }: LoweredNode): string {
  const bare = Object.entries(attributes).map(([name, value]) => [name, bareValue(value)]);
  const args = [...inputs, ...attributesAsText(Object.fromEntries(bare))].join(', ');
  return `${output} = ${op}(${args})  <- ${from}`;
}

function bareValue(value: AttributeValue): unknown {
  if (typeof value !== 'object') return value;
  return 'float' in value ? value.float : 'type' in value ? value.type : value;
}
