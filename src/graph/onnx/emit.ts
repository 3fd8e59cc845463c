/** Emission: a lowered graph as the bytes of an ONNX model, one ONNX node for each of its nodes. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { OnnxType } from '../ops/lowering.ts';
import { isBatch } from '../shape.ts';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts';
import type { AttributeValue, Initializer, LoweredGraph, LoweredNode, Port } from './lowered.ts';

const IR_VERSION = 8n;
const OPSET = 17n;

const DATA_TYPES: Record<OnnxType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  int8: TensorProto_DataType.INT8,
  uint8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
};

export function emit({ inputs, initializers, nodes, outputs }: LoweredGraph): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'tributary',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: 'tributary',
      node: nodes.map(nodeProto),
      initializer: initializers.map(tensorProto),
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo),
    },
  });
  return toBinary(ModelProtoSchema, model);
}

const nodeProto = ({ op, inputs, attributes, output }: LoweredNode): MessageInitShape<typeof NodeProtoSchema> =>
  create(NodeProtoSchema, {
    opType: op,
    name: `${op === 'Identity' ? 'output' : op} ${output}`,
    input: [...inputs],
    output: [output],
    attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
  });

function attributeProto(name: string, value: AttributeValue): AttributeProto {
  const type = AttributeProto_AttributeType;
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: type.STRING, s: new TextEncoder().encode(value) });
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: type.FLOAT, f: value.float });
  if ('type' in value) return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(DATA_TYPES[value.type]) });
  return create(AttributeProtoSchema, { name, type: type.INTS, ints: value.map(BigInt) });
}

function tensorProto({ name, type, shape, content }: Initializer): TensorProto {
  const tensor = create(TensorProtoSchema, { name, dataType: DATA_TYPES[type], dims: shape.map(BigInt) });
  if ('bytes' in content) tensor.rawData = content.bytes;
  else {
    const entries = { location: content.file, offset: '0', length: String(content.byteLength) };
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
  }
  return tensor;
}

/** The batch dimension is named `batch`. */
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
