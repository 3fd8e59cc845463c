/**
 * Reads a summary of an ONNX graph directly from its bytes, to check that it fits its artifact before ONNX Runtime loads it. Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

export interface OnnxPort {
  name: string;
  /** Name of the element type, or its number in onnx.proto if an artifact has no such type. */
  type: string;
  /** Name of a symbolic size, or the size. */
  shape: (string | number)[];
}

export interface OnnxTable {
  name: string;
  shape: number[];
  /** File, relative to the graph's folder, and position of the data in it. */
  location: string;
  offset: number;
  length: number | undefined;
}

export interface OnnxSummary {
  inputs: OnnxPort[];
  outputs: OnnxPort[];
  /** Tensors that are stored in other files. */
  external: OnnxTable[];
  /** Op sets other than the standard one. */
  domains: string[];
  /** Parts that our graphs never have: subgraphs, functions. */
  unusual: string[];
}

const TYPES: Record<number, string> = { 1: 'float32', 6: 'int32' };
const EXTERNAL = 1;

/** Reads a serialized ModelProto. Throws a plain Error if the bytes are not such a message. */
export function summarizeOnnx(bytes: Uint8Array): OnnxSummary {
  const summary: OnnxSummary = { inputs: [], outputs: [], external: [], domains: [], unusual: [] };
  let graphs = 0;
  readMessage(bytes, {
    7: (graph) => {
      graphs++;
      readGraph(graph, summary);
    },
    25: () => summary.unusual.push('functions'),
  });
  if (graphs !== 1) throw new Error(`it holds ${graphs} graphs`);
  return summary;
}

function readGraph(bytes: Uint8Array, summary: OnnxSummary): void {
  readMessage(bytes, {
    1: (node) => readNode(node, summary),
    5: (tensor) => readTensor(tensor, summary),
    11: (input) => summary.inputs.push(readPort(input)),
    12: (output) => summary.outputs.push(readPort(output)),
    15: () => summary.unusual.push('sparse tensors'),
  });
}

function readNode(bytes: Uint8Array, summary: OnnxSummary): void {
  readMessage(bytes, {
    5: (attribute) =>
      readMessage(attribute, {
        5: (tensor) => readTensor(tensor, summary),
        6: () => summary.unusual.push('a graph within a graph'),
        10: (tensor) => readTensor(tensor, summary),
        11: () => summary.unusual.push('a graph within a graph'),
        22: () => summary.unusual.push('sparse tensors'),
        23: () => summary.unusual.push('sparse tensors'),
      }),
    7: (domain) => {
      const name = text(domain);
      if (name !== '' && !summary.domains.includes(name)) summary.domains.push(name);
    },
  });
}

function readTensor(bytes: Uint8Array, summary: OnnxSummary): void {
  const shape: number[] = [];
  const entries = new Map<string, string>();
  let name = '';
  let location = 0;
  readMessage(
    bytes,
    {
      1: (packed) => {
        for (const reader = new BinaryReader(packed); reader.pos < reader.len; ) shape.push(Number(reader.int64()));
      },
      8: (value) => {
        name = text(value);
      },
      13: (entry) => {
        let key = '';
        readMessage(entry, {
          1: (value) => {
            key = text(value);
          },
          2: (value) => entries.set(key, text(value)),
        });
      },
    },
    {
      1: (size) => shape.push(size),
      14: (value) => {
        location = value;
      },
    },
  );
  if (location !== EXTERNAL && entries.size === 0) return;
  const length = entries.get('length');
  summary.external.push({
    name,
    shape,
    location: entries.get('location') ?? '',
    offset: Number(entries.get('offset') ?? 0),
    length: length === undefined ? undefined : Number(length),
  });
}

function readPort(bytes: Uint8Array): OnnxPort {
  const port: OnnxPort = { name: '', type: 'not a tensor', shape: [] };
  readMessage(bytes, {
    1: (name) => {
      port.name = text(name);
    },
    2: (type) =>
      readMessage(type, {
        1: (tensor) =>
          readMessage(
            tensor,
            { 2: (shape) => readMessage(shape, { 1: (dim) => port.shape.push(readDim(dim)) }) },
            {
              1: (element) => {
                port.type = TYPES[element] ?? `type ${element}`;
              },
            },
          ),
      }),
  });
  return port;
}

function readDim(bytes: Uint8Array): string | number {
  let dim: string | number = '?';
  readMessage(
    bytes,
    {
      2: (name) => {
        dim = text(name);
      },
    },
    {
      1: (size) => {
        dim = size;
      },
    },
  );
  return dim;
}

const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** Calls the handlers of a message's fields in order: for fields with bytes (texts, messages, packed lists) and with numbers. */
function readMessage(
  bytes: Uint8Array,
  ofBytes: Record<number, (value: Uint8Array) => void>,
  ofNumbers: Record<number, (value: number) => void> = {},
): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited && ofBytes[field] !== undefined) ofBytes[field](reader.bytes());
    else if (wireType === WireType.Varint && ofNumbers[field] !== undefined) ofNumbers[field](Number(reader.int64()));
    else reader.skip(wireType, field);
  }
}
