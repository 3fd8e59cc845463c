/** Inputs that are not fed but stored in the model, as initializers. */

import { error } from '../../base/errors/index.ts';
import { bytesOf } from '../../base/numbers.ts';
import { fixedElements, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { scalesOf } from './fusions/int8-product.ts';
import type { Int8Weights } from './int8.ts';
import type { Initializer } from './lowered.ts';

/**
 * float32 numbers inside the model, a file of them next to it (little endian, nothing else), or weights in eight bits.
 */
export type StoredValue = { data: Float32Array } | { file: string } | Int8Weights;

/**
 * The initializers of a stored input: one, or two for weights in eight bits.
 *
 * @throws GRAPH_INVALID for an input that is not float32, or numbers that do not fill its shape
 */
export function storedInitializers({ attributes }: Tensor<'input'>, value: StoredValue): Initializer[] {
  const { name, type } = attributes;
  const shape = attributes.shape as number[];
  if ('int8' in value) return int8Initializers(name, shape, value);
  const invalid = (problem: string) => error('GRAPH_INVALID', { node: `stored ${name}`, problem });
  const count = fixedElements(shape);
  if (type !== 'float32') throw invalid(`is ${type}: only float32 is stored`);
  if ('file' in value) return [{ name, type, shape, content: { file: value.file, byteLength: 4 * count } }];
  const { data } = value;
  if (data.length !== count) throw invalid(`has ${data.length} numbers, its shape ${showShape(shape)} takes ${count}`);
  return [{ name, type, shape, content: { bytes: bytesOf(data) } }];
}

const int8Initializers = (name: string, shape: number[], { int8, scales }: Int8Weights): Initializer[] => [
  { name, type: 'int8', shape, content: { bytes: bytesOf(int8) } },
  { name: scalesOf(name), type: 'float32', shape: [scales.length], content: { bytes: bytesOf(scales) } },
];

export function constantInitializer({ id, attributes: { values, shape, type } }: Tensor<'constant'>): Initializer {
  const data =
    type === 'float32'
      ? Float32Array.from(values)
      : type === 'int32'
        ? Int32Array.from(values)
        : Uint8Array.from(values);
  return { name: `%c${id}`, type, shape, content: { bytes: bytesOf(data) } };
}
