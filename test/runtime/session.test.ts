import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Session, Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { model, type TensorSpec } from './models.ts';

/** The part of the platform's API that is used here; the type library for it is the browser's. */
declare const WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };

const float = (data: number[] | Float32Array, ...shape: number[]): Value => ({
  type: 'float32',
  shape,
  data: Float32Array.from(data),
});

const a: TensorSpec = { name: 'a', type: 'float32', shape: ['B', 3] };
const b: TensorSpec = { name: 'b', type: 'float32', shape: [3, 2] };
const y: TensorSpec = { name: 'y', type: 'float32', shape: ['B', 2] };
/** y = a b, positive = relu(a), same = a: a computed output, one whose value others read, and one that is an input. */
const PRODUCT = model(
  [a, b],
  [
    ['MatMul', ['a', 'b'], ['y']],
    ['Relu', ['y'], ['positive']],
    ['Identity', ['a'], ['same']],
  ],
  [y, { ...y, name: 'positive' }, { ...a, name: 'same' }],
);
const A = float([1, -2, 3, 4, 5, -6], 2, 3);
const B = float([1, 2, 3, 4, 5, 6], 3, 2);
const Y = [10, 12, -11, -8]; // worked by hand

const sessions: Session[] = [];
const open = async (...a: Parameters<typeof createSession>): Promise<Session> => {
  const session = await createSession(...a);
  sessions.push(session);
  return session;
};
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(sessions.splice(0).map((session) => session.release()));
});

test('the native backend takes denormal numbers for 0: products of them would be ten times slower', async () => {
  const tensor = (name: string): TensorSpec => ({ name, type: 'float32', shape: [2] });
  const session = await open(model([tensor('a'), tensor('b')], [['Mul', ['a', 'b'], ['y']]], [tensor('y')]), {
    backend: 'node',
  });
  const value = (...data: number[]) => ({ type: 'float32', shape: [2], data: Float32Array.from(data) }) as const;
  const { y } = await session.run({ a: value(1e-39, 1e-37), b: value(1e5, 1e5) });
  expect(y.data[0]).toBe(0);
  expect(y.data[1]).toBeCloseTo(1e-32, 38);
});

describe.each(['node', 'web'] as const)('a session on the backend %s', (backend) => {
  test('names its inputs and outputs and computes', async () => {
    const session = await open(PRODUCT, { backend });
    expect([session.backend, session.inputs, session.outputs]).toEqual([
      backend,
      ['a', 'b'],
      ['y', 'positive', 'same'],
    ]);
    const result = await session.run({ a: A, b: B });
    expect(result.y).toEqual({ type: 'float32', shape: [2, 2], data: Float32Array.from(Y) });
    expect([...result.positive.data]).toEqual([10, 12, 0, 0]);
    expect(result.same).toEqual(A);
  });

  test('takes any batch, an empty one too', async () => {
    const session = await open(PRODUCT, { backend, threads: 1 });
    for (const rows of [0, 1, 7, 1000]) {
      const result = await session.run({ a: float(new Float32Array(rows * 3).fill(1), rows, 3), b: B });
      expect(result.y.shape).toEqual([rows, 2]);
      expect([...result.y.data]).toEqual(Array.from({ length: rows }, () => [9, 12]).flat());
    }
  });

  test('reads views and writes into views of one WASM memory', async () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const view = (from: number, length: number) => new Float32Array(memory.buffer, from * 4, length);
    view(5, 6).set(A.data);
    view(13, 6).set(B.data);
    const all = new Float32Array(memory.buffer);
    const session = await open(PRODUCT, { backend });
    const result = await session.run(
      { a: { ...A, data: view(5, 6) }, b: { ...B, data: view(13, 6) } },
      {
        y: { type: 'float32', shape: [2, 2], data: view(20, 4) },
        same: { type: 'float32', shape: [2, 3], data: view(30, 6) },
      },
    );
    expect([...all.subarray(19, 25)]).toEqual([0, ...Y, 0]);
    expect([...all.subarray(29, 37)]).toEqual([0, ...A.data, 0]);
    expect([result.y.data.buffer, result.y.data.byteOffset]).toEqual([memory.buffer, 80]);
    expect([...result.positive.data]).toEqual([10, 12, 0, 0]);
  });

  test('later runs leave earlier results alone', async () => {
    const session = await open(PRODUCT, { backend });
    const first = await session.run({ a: A, b: B });
    await session.run({ a: float([0, 0, 0], 1, 3), b: B });
    expect([...first.y.data]).toEqual(Y);
  });

  test('carries int32 and bool', async () => {
    const ids: TensorSpec = { name: 'ids', type: 'int32', shape: ['B'] };
    const limit: TensorSpec = { name: 'limit', type: 'int32', shape: [] };
    const session = await open(
      model(
        [ids, limit, { name: 'mask', type: 'bool', shape: ['B'] }],
        [
          ['Less', ['ids', 'limit'], ['low']],
          ['And', ['low', 'mask'], ['kept']],
          ['Add', ['ids', 'limit'], ['sum']],
        ],
        [
          { name: 'kept', type: 'bool', shape: ['B'] },
          { name: 'sum', type: 'int32', shape: ['B'] },
        ],
      ),
      { backend },
    );
    const kept = new Uint8Array(3);
    const result = await session.run(
      {
        ids: { type: 'int32', shape: [3], data: Int32Array.of(1, 2 ** 24 + 1, 3) },
        limit: { type: 'int32', shape: [], data: Int32Array.of(100) },
        mask: { type: 'bool', shape: [3], data: Uint8Array.of(1, 1, 0) },
      },
      { kept: { type: 'bool', shape: [3], data: kept } },
    );
    expect([...kept]).toEqual([1, 0, 0]);
    expect(result.sum.data).toEqual(Int32Array.of(101, 2 ** 24 + 101, 103));
  });

  test('names every missing input at once', async () => {
    const session = await open(PRODUCT, { backend });
    await expect(session.run({ c: A })).rejects.toMatchObject({
      code: 'RUN_INPUTS',
      message: expect.stringContaining('no tensor for a, b (given: c)'),
    });
  });

  test('names every tensor that does not fit', async () => {
    const session = await open(PRODUCT, { backend });
    const run = session.run(
      { a: { ...A, shape: [3, 3] }, b: { type: 'int32', shape: [3, 2], data: new Int32Array(6) } },
      { z: A, y: { type: 'float32', shape: [2, 2], data: new Int32Array(4) } },
    );
    await expect(run).rejects.toMatchObject({
      details: {
        problems: [
          'there is no output z (outputs: y, positive, same)',
          'input a: shape [3, 3] has 9 elements, but its array has 6',
          'input b is float32 in the graph, but int32 was given',
          'output y: float32 data must be a Float32Array, found a Int32Array',
        ],
      },
    });
  });

  test('refuses an output array of another shape than the result', async () => {
    const session = await open(PRODUCT, { backend });
    const data = new Float32Array(6);
    const run = session.run({ a: A, b: B }, { y: { type: 'float32', shape: [3, 2], data } });
    await expect(run).rejects.toMatchObject({ message: expect.stringMatching(/output '?y'?.*2,2/) });
    expect([...data]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('ignores tensors that the graph does not take', async () => {
    const session = await open(PRODUCT, { backend });
    expect([...(await session.run({ a: A, b: B, unused: A })).y.data]).toEqual(Y);
  });

  test('says why the graph is refused or the run failed', async () => {
    await expect(createSession(Uint8Array.of(1, 2, 3), { backend })).rejects.toMatchObject({
      code: 'SESSION_REFUSED',
      message: expect.stringContaining('protobuf'),
    });
    const wide: TensorSpec = { name: 'wide', type: 'int64', shape: [1] };
    await expect(
      createSession(model([wide], [['Neg', ['wide'], ['n']]], [{ ...wide, name: 'n' }]), { backend }),
    ).rejects.toThrow('"wide" is int64');
    const session = await open(PRODUCT, { backend });
    await expect(session.run({ a: float([1, 2, 3, 4], 2, 2), b: B })).rejects.toMatchObject({
      code: 'RUN_FAILED',
      message: expect.stringContaining('invalid dimensions for input: a'),
    });
    expect([...(await session.run({ a: A, b: B })).y.data]).toEqual(Y);
  });

  test('may be released twice, and then does not run', async () => {
    const session = await open(PRODUCT, { backend });
    await session.release();
    await session.release();
    await expect(session.run({ a: A, b: B })).rejects.toMatchObject({ code: 'RUN_FAILED' });
  });
});

describe('the choice of a backend', () => {
  test('auto takes the native one where it loads', async () => {
    vi.stubEnv('TRIBUTARY_BACKEND', '');
    expect((await open(PRODUCT)).backend).toBe('node');
    expect((await open(PRODUCT, { backend: 'auto' })).backend).toBe('node');
  });

  test('TRIBUTARY_BACKEND decides for auto and for nothing else', async () => {
    vi.stubEnv('TRIBUTARY_BACKEND', 'web');
    expect((await open(PRODUCT)).backend).toBe('web');
    expect((await open(PRODUCT, { backend: 'node' })).backend).toBe('node');
    vi.stubEnv('TRIBUTARY_BACKEND', 'gpu');
    await expect(createSession(PRODUCT)).rejects.toMatchObject({
      code: 'BACKEND_UNKNOWN',
      message: 'TRIBUTARY_BACKEND names the backend "gpu": expected one of auto, node, web, webgpu, cuda, best',
    });
  });
});

test('a GPU that is not there is refused, and not replaced by the CPU', async () => {
  const created = await open(PRODUCT, { backend: 'cuda' }).catch((cause) => cause);
  // Machines with CUDA have one.
  if (created.backend !== 'cuda') expect(created).toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
  const best = await open(PRODUCT, { backend: 'best' });
  expect(best.backend).toBe(created.backend === 'cuda' ? 'cuda' : 'node');
});
