/** Tiny ONNX models for the tests of sessions, written as protobuf messages. */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../src/graph/onnx/generated/onnx_pb.ts';

const TYPES = {
  float32: TensorProto_DataType.FLOAT,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

export interface TensorSpec {
  name: string;
  type: keyof typeof TYPES;
  /** Text is a symbolic dimension. */
  shape: (number | string)[];
}

/** Serializes a graph; `nodes` are [op, inputs, outputs]. */
export function model(inputs: TensorSpec[], nodes: [string, string[], string[]][], outputs: TensorSpec[]): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 17n }],
      graph: {
        name: 'test',
        node: nodes.map(toNode),
        input: inputs.map(toValueInfo),
        output: outputs.map(toValueInfo),
      },
    }),
  );
}

const toNode = ([opType, input, output]: [string, string[], string[]]): NodeProto =>
  create(NodeProtoSchema, { opType, input, output });

const toValueInfo = ({ name, type, shape }: TensorSpec): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: TYPES[type],
          shape: {
            dim: shape.map((d) => ({
              value:
                typeof d === 'number'
                  ? { case: 'dimValue' as const, value: BigInt(d) }
                  : { case: 'dimParam' as const, value: d },
            })),
          },
        },
      },
    },
  });
