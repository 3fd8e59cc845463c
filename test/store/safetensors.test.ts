import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.ts';
import type { TensorArray, TensorView } from '../../src/store/tensors.ts';
import { temporaryFolder } from './temporary.ts';

const bits = (data: TensorArray): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** A file by hand: header text (padded to `padding` bytes), then data. */
function file(header: unknown, data: number[] | Uint8Array = [], padding = 8): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const padded = text.padEnd(Math.ceil(text.length / padding) * padding);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, Buffer.from(padded), Uint8Array.from(data)]);
}

function read(content: Uint8Array) {
  const path = join(temporaryFolder(), 'x.safetensors');
  writeFileSync(path, content);
  return readSafetensors(path);
}

const f32 = (to: number, shape = [to / 4]) => ({ dtype: 'F32', shape, data_offsets: [0, to] });

describe('reading', () => {
  test('a file written by hand', () => {
    const { tensors, metadata } = read(
      file(
        {
          __metadata__: { made: 'by hand' },
          a: { dtype: 'I32', shape: [2, 1], data_offsets: [0, 8] },
          b: { dtype: 'F32', shape: [], data_offsets: [8, 12] },
        },
        [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 0, 0x80, 0x3f],
      ),
    );
    expect(metadata).toEqual({ made: 'by hand' });
    expect([...tensors]).toEqual([
      ['a', { dtype: 'I32', shape: [2, 1], data: Int32Array.of(1, -2) }],
      ['b', { dtype: 'F32', shape: [], data: Float32Array.of(1) }],
    ]);
  });

  test('half precision is widened', () => {
    // Values of known patterns: 1, 65504 (largest), 2^-24 (smallest), 1/3 rounded, -0, infinity, NaN; then bfloat16 1, -2.5, 2^-126.
    const half = Uint16Array.of(0x3c00, 0x7bff, 0x0001, 0x3555, 0x8000, 0xfc00, 0x7e00);
    const brain = Uint16Array.of(0x3f80, 0xc020, 0x0080);
    const { tensors } = read(
      file(
        {
          half: { dtype: 'F16', shape: [7], data_offsets: [0, 14] },
          brain: { dtype: 'BF16', shape: [3], data_offsets: [14, 20] },
        },
        Buffer.concat([new Uint8Array(half.buffer), new Uint8Array(brain.buffer)]),
      ),
    );
    expect([...tensors.get('half')!.data]).toEqual([1, 65504, 2 ** -24, 0.333251953125, -0, -Infinity, Number.NaN]);
    expect(tensors.get('half')!.data).toBeInstanceOf(Float32Array);
    expect([...tensors.get('brain')!.data]).toEqual([1, -2.5, 2 ** -126]);
  });

  test('tensors are views of one buffer, unless the file does not align them', () => {
    const twoTensors = { a: f32(4), b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } };
    const data = new Uint8Array(Float32Array.of(3, 4).buffer);
    const aligned = read(file(twoTensors, data)).tensors;
    expect(aligned.get('a')!.data.buffer).toBe(aligned.get('b')!.data.buffer);
    const text = JSON.stringify(twoTensors);
    const odd = read(file(text.padEnd(text.length + ((text.length + 1) % 2)), data, 1)).tensors;
    expect([...odd.get('a')!.data, ...odd.get('b')!.data]).toEqual([3, 4]);
  });

  test.each([
    'adasparse/base',
    'aesm2/eval',
    'aesm2/train-noise',
    'aesm2/tree-train',
    'autoifs/ticket',
    'dtrn/mmoe',
    'ple/bn-train',
  ])('the fixture %s', (name) => {
    const path = join('test/fixtures/models', `${name}.safetensors`);
    const { tensors, metadata } = readSafetensors(path);
    expect(tensors.size).toBeGreaterThan(5);
    // Written again and read again it is the same, and no longer: the reference's writer leaves no gaps either.
    const copy = join(temporaryFolder(), 'copy.safetensors');
    writeSafetensors(copy, tensors, metadata);
    const again = readSafetensors(copy);
    expect([...again.tensors].sort()).toEqual([...tensors].sort());
    const dataBytes = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(statSync(path).size - dataBytes).toBe(8 + Number(readFileSync(path).readBigUInt64LE()));
  });
});

describe('writing', () => {
  const shape = fc.array(fc.nat(4), { maxLength: 4 });
  const count = (dims: number[]) => dims.reduce((p, n) => p * n, 1);
  const exactly = (n: number) => ({ minLength: n, maxLength: n });
  const data = (n: number): fc.Arbitrary<TensorArray> =>
    fc.oneof(
      fc.float32Array(exactly(n)),
      fc.float64Array(exactly(n)),
      fc.int32Array(exactly(n)),
      fc.bigInt64Array(exactly(n)),
    );
  const tensor: fc.Arbitrary<TensorView> = shape.chain((dims) =>
    data(count(dims)).map((values) => ({ shape: dims, data: values })),
  );
  const name = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('__proto__', '0', 'constructor', 'layer.0.weight'),
  );
  const tensors = fc.uniqueArray(fc.tuple(name, tensor), { selector: ([n]) => n, maxLength: 6 });
  const metadata = fc.dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    fc.string({ unit: 'grapheme' }),
    { noNullPrototype: true },
  );

  test('what is written is read, bit for bit, aligned for any accelerated reader', () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    fc.assert(
      fc.property(tensors, metadata, (written, notes) => {
        const stamp = writeSafetensors(path, written, notes);
        const found = readSafetensors(path, stamp);
        expect(stamp).toEqual({ bytes: statSync(path).size, sha256: sha256(readFileSync(path)) });
        expect(found.metadata).toEqual(notes);
        expect([...found.tensors.keys()].sort()).toEqual(written.map(([n]) => n).sort());
        for (const [n, { shape: dims, data: values }] of written) {
          const again = found.tensors.get(n)!;
          expect(again.shape).toEqual(dims);
          expect(again.data.constructor).toBe(values.constructor);
          expect(bits(again.data).equals(bits(values))).toBe(true);
          expect(again.data.buffer.byteLength).toBe(stamp.bytes); // a view of the file: no tensor had to be copied
        }
      }),
    );
  });

  test('only the given part of a larger buffer is written', () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    const memory = Float32Array.of(9, 1, 2, 3, 9);
    writeSafetensors(path, [['part', { shape: [3], data: memory.subarray(1, 4) }]]);
    expect([...readSafetensors(path).tensors.get('part')!.data]).toEqual([1, 2, 3]);
  });

  test('a wrong shape, two tensors of one name, and a place that cannot be written are refused', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'x.safetensors');
    const one = { shape: [1], data: new Float32Array(1) };
    expect(() => writeSafetensors(path, [['a', { ...one, shape: [2] }]])).toThrow(
      'tensor a: shape [2] does not have 1 elements',
    );
    expect(() =>
      writeSafetensors(path, [
        ['a', one],
        ['a', one],
      ]),
    ).toThrow('two tensors have the same name');
    expect(readdirSync(folder)).toEqual([]);
    writeSafetensors(path, [['a', one]]);
    expect(() => writeSafetensors(join(path, 'below.safetensors'), [])).toThrow(
      expect.objectContaining({ code: 'FILE_UNWRITABLE' }),
    );
  });
});

describe('a damaged file is refused, with the reason', () => {
  const good = file({ a: f32(8) }, new Array(8).fill(0));
  const cases: [string, Uint8Array, string][] = [
    ['empty', new Uint8Array(0), 'it has 0 bytes'],
    ['cut in the header', good.subarray(0, 30), 'its header claims 56 bytes, the file has 22 left'],
    ['cut in the data', good.subarray(0, -1), 'it was cut short: its tensors need 8 bytes, it has 7'],
    [
      'with something behind',
      Buffer.concat([good, Buffer.alloc(3)]),
      '3 bytes after the last tensor belong to no tensor',
    ],
    ['with a giant header', Buffer.alloc(16, 0xff), 'at most 100000000 are allowed'],
    ['not JSON', file('{"a": nope}'), 'its header is not JSON'],
    [
      'not UTF-8',
      Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([0xff, 0xfe])]),
      'its header is not JSON',
    ],
    ['a list', file([1]), 'its header is not a JSON object'],
    ['metadata of numbers', file({ __metadata__: { n: 1 } }), '"__metadata__" must map names to texts'],
    ['no description', file({ a: 1 }), 'tensor "a" has no description'],
    [
      'of an unknown type',
      file({ a: { ...f32(8), dtype: 'toString' } }),
      'tensor "a" has type "toString", readable are F64, I64',
    ],
    ['of a negative shape', file({ a: f32(8, [-2]) }), 'tensor "a" has shape [-2]'],
    [
      'with offsets the wrong way round',
      file({ a: { ...f32(8), data_offsets: [8, 0] } }),
      'tensor "a" has offsets [8,0]',
    ],
    ['with fractional offsets', file({ a: { ...f32(8), data_offsets: [0, 7.5] } }), 'tensor "a" has offsets [0,7.5]'],
    [
      'with another size than its shape',
      file({ a: f32(8, [3]) }, new Array(8).fill(0)),
      'F32 [3] has 8 bytes, needs 12',
    ],
    ['with a shape beyond all numbers', file({ a: f32(8, [2 ** 40, 2 ** 40]) }), 'has 8 bytes, needs'],
    [
      'overlapping',
      file({ a: f32(8), b: { ...f32(4), data_offsets: [4, 8] } }, new Array(8).fill(0)),
      'tensor "b" overlaps',
    ],
    [
      'with a gap',
      file({ a: { ...f32(4), data_offsets: [4, 8] } }, new Array(8).fill(0)),
      '4 bytes before tensor "a" belong to no tensor',
    ],
  ];
  test.each(cases)('%s', (_name, content, reason) => {
    expect(() => read(content)).toThrow(
      expect.objectContaining({ code: 'SAFETENSORS_INVALID', message: expect.stringContaining(reason) }),
    );
  });

  test('gone, or other than recorded', () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    expect(() => readSafetensors(path)).toThrow(expect.objectContaining({ code: 'FILE_MISSING' }));
    const stamp = writeSafetensors(path, []);
    expect(() => readSafetensors(path, { ...stamp, sha256: '0'.repeat(64) })).toThrow(
      expect.objectContaining({ code: 'CHECKSUM_MISMATCH' }),
    );
  });
});
