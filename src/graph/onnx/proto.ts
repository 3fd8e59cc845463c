/** Values, types and attributes as ONNX' protocol buffers have them. */
import { create } from '@bufbuild/protobuf';
import { error } from '../../base/errors/index.ts';
import { fixedElements, type Shape, showShape } from '../shape.ts';
import type { ElementType } from '../tensor.ts';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from './generated/onnx_pb.ts';
import type { Int8Weights } from './int8.ts';

export type AttributeValue = number | readonly number[] | string | { float: number };

/**
 * What an input is bound to: numbers inside the model, a file of them beside it (float32, little endian, nothing else), or
 * weights in eight bits.
 */
export type StoredValue = { data: Float32Array } | { file: string } | Int8Weights;

export const DATA_TYPES: Record<ElementType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  int32: TensorProto_DataType.INT32,
  bool: TensorProto_DataType.BOOL,
};

/** The bytes of numbers, as raw data of a tensor. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Int8Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** @throws GRAPH_INVALID for a type that is not stored, or numbers that do not fill the shape */
export function storedTensor(
  name: string,
  shape: Shape,
  type: ElementType,
  value: Exclude<StoredValue, Int8Weights>,
): TensorProto {
  const count = fixedElements(shape);
  const invalid = (problem: string) => error('GRAPH_INVALID', { node: `stored ${name}`, problem });
  if (type !== 'float32') throw invalid(`is ${type}: only float32 is stored`);
  const tensor = create(TensorProtoSchema, { name, dataType: DATA_TYPES[type], dims: (shape as number[]).map(BigInt) });
  if ('file' in value) {
    const entries = { location: value.file, offset: '0', length: String(4 * count) };
    tensor.externalData = Object.entries(entries).map(([key, text]) =>
      create(StringStringEntryProtoSchema, { key, value: text }),
    );
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    return tensor;
  }
  const { data } = value;
  if (data.length !== count) throw invalid(`has ${data.length} numbers, its shape ${showShape(shape)} takes ${count}`);
  tensor.rawData = bytesOf(data);
  return tensor;
}

/** Whole numbers are ints, `{ float }` is a float. */
export function attributeProto(name: string, value: AttributeValue): AttributeProto {
  const type = AttributeProto_AttributeType;
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: type.STRING, s: new TextEncoder().encode(value) });
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: type.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: type.INTS, ints: value.map(BigInt) });
}
