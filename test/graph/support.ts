/** What the tests of graphs share: seeded numbers, runs on ONNX Runtime, closeness, the decoded ONNX model. */
import { fromBinary } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import { random } from '../../src/base/random.ts';
import { compile, type ElementType, type LoweringOptions, type Shape, type Tensor } from '../../src/graph/index.ts';
import { ModelProtoSchema, type NodeProto } from '../../src/graph/onnx/generated/onnx_pb.ts';
import type { SessionOptions, Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';

export const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

export const float = (data: ArrayLike<number>, ...shape: number[]): Value => ({
  type: 'float32',
  shape,
  data: Float32Array.from(data),
});

export const int = (data: ArrayLike<number>, ...shape: number[]): Value => ({
  type: 'int32',
  shape,
  data: Int32Array.from(data),
});

export const bool = (data: ArrayLike<number>, ...shape: number[]): Value => ({
  type: 'bool',
  shape,
  data: Uint8Array.from(data),
});

/** Standard normal numbers times `scale`; equal keys give equal numbers. */
export function normals(shape: readonly number[], scale: number, ...key: (string | number)[]): Value {
  const generator = random(...key);
  return float(
    Float32Array.from({ length: size(shape) }, () => scale * generator.normal()),
    ...shape,
  );
}

/** Whole numbers in [0, below). */
export function wholes(shape: readonly number[], below: number, ...key: (string | number)[]): Value {
  const generator = random(...key);
  return int(
    Int32Array.from({ length: size(shape) }, () => generator.below(below)),
    ...shape,
  );
}

/** Compiles and runs once. */
export async function run<N extends string>(
  outputs: Record<N, Tensor>,
  feeds: Record<string, Value>,
  options: LoweringOptions & SessionOptions = {},
): Promise<Record<N, Value>> {
  const session = await createSession(compile(outputs, options).bytes, { threads: 1, ...options });
  try {
    return (await session.run(feeds)) as Record<N, Value>;
  } finally {
    await session.release();
  }
}

/** The numbers of one tensor. */
export async function numbers(y: Tensor, feeds: Record<string, Value> = {}): Promise<number[]> {
  return [...(await run({ y }, feeds)).y.data];
}

interface Array1 {
  shape: readonly number[];
  data: ArrayLike<number>;
}

/** Equal shapes, and numbers that differ by at most `tolerance` times the largest expected one, plus `floor`. */
export function expectClose(actual: Array1, expected: Array1, tolerance: number, what = 'values', floor = 1e-7): void {
  expect(actual.shape, `shape of ${what}`).toEqual(expected.shape);
  const numbersExpected = Array.from(expected.data);
  const largest = numbersExpected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = numbersExpected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual.data[i])), 0);
  if (!(worst <= tolerance * largest + floor))
    expect.fail(
      `${what}: off by ${worst} where the largest number is ${largest}: ${show(actual)} for ${show(expected)}`,
    );
}

const show = ({ data }: Array1): string =>
  `[${Array.from(data).slice(0, 12).join(', ')}${data.length > 12 ? ', ...' : ''}]`;

/** The nodes of the ONNX model. */
export const onnxNodes = (bytes: Uint8Array): NodeProto[] => fromBinary(ModelProtoSchema, bytes).graph?.node ?? [];

/** How often each ONNX op occurs; the Identity that names an output is not counted. */
export function opCounts(bytes: Uint8Array): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of onnxNodes(bytes)) if (opType !== 'Identity') counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

export interface InputSpec {
  shape: Shape;
  type?: ElementType;
  /** int32: numbers are in [0, below). */
  below?: number;
  /** float32: only numbers above 0. */
  positive?: boolean;
}

/**
 * Numbers for the inputs of a test: floats are all different, none is 0 and neighbours are far apart for a step of finite
 * differences, so that kinks and ties lie between them.
 */
export function spread(
  inputs: Record<string, InputSpec>,
  sizeOf: (shape: Shape) => number[],
  ...key: (string | number)[]
): Record<string, Value> {
  const generator = random('spread', ...key);
  const floats = Object.values(inputs).filter(({ type }) => (type ?? 'float32') === 'float32');
  const count = floats.reduce((sum, { shape }) => sum + size(sizeOf(shape)), 0);
  const ranks = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = generator.below(i + 1);
    [ranks[i], ranks[j]] = [ranks[j], ranks[i]];
  }
  const next = (): number => 1.5 * ((2 * ((ranks.pop() as number) + 0.25)) / count - 1);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, type = 'float32', below = 2, positive = false }]) => {
      const dims = sizeOf(shape);
      const wholeNumbers = (): number[] => Array.from({ length: size(dims) }, () => generator.below(below));
      if (type === 'int32') return [name, int(wholeNumbers(), ...dims)];
      if (type === 'bool') return [name, bool(wholeNumbers(), ...dims)];
      return [
        name,
        float(
          Array.from({ length: size(dims) }, () => (positive ? Math.exp(next()) : next())),
          ...dims,
        ),
      ];
    }),
  );
}
