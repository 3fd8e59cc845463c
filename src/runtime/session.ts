/**
 * Sessions over ONNX Runtime. Callers rely on what its bindings do: `node` reads inputs in place, the others copy them;
 * all copy outputs once. `node` writes an output into the array given for it; the others cannot, so the result is copied
 * there. A run blocks its thread.
 */
import { channel } from 'node:diagnostics_channel';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { error } from '../base/errors/index.ts';
import { readBytes } from '../base/files.ts';
import { type Backend, loadBackend } from './backends.ts';
import { SUPPORTED_TYPES, tensorProblems } from './check.ts';
import type { Session, SessionOptions, TensorData, Value } from './contract.ts';
import { isDevice } from './devices.ts';

/** Publishes `{ model, backend }` of each session: sessions are dear, and who opens more than needed is found out. */
const created = channel('tributary:session');

/**
 * Creates a session for an ONNX model, given as bytes (external tensors: `options.external`) or as a path
 * (`options.externalFiles`). For a path, `node` maps external tensors into memory.
 *
 * @throws BACKEND_UNKNOWN, BACKEND_UNAVAILABLE, DEVICE_UNAVAILABLE, SESSION_REFUSED, FILE_MISSING; its `run`: RUN_INPUTS, RUN_FAILED
 */
export async function createSession(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const backend = await loadBackend(options.backend ?? 'auto');
  const threads = options.threads ?? availableParallelism();
  // The threads of `web` belong to the process and start with its first session; later sessions share them.
  if (backend.name === 'web') backend.ort.env.wasm.numThreads ??= threads;
  const { InferenceSession } = backend.ort;
  const settings = sessionOptions(backend, threads, options.profile);
  const creating =
    typeof model === 'string' && backend.name !== 'web'
      ? InferenceSession.create(model, settings)
      : InferenceSession.create(bytesOf(model), { ...settings, ...externalData(model, options) });
  const session = await creating.catch((cause: Error) => {
    throw error('SESSION_REFUSED', { backend: backend.name, reason: cause.message }, cause);
  });
  checkTypes(backend, session);
  created.publish({ model, backend: backend.name });
  return adapt(backend, session);
}

const bytesOf = (model: Uint8Array | string): Uint8Array =>
  typeof model === 'string' ? readBytes(model, 'an ONNX model') : model;

function externalData(
  model: Uint8Array | string,
  { external = {}, externalFiles = [] }: SessionOptions,
): { externalData?: { path: string; data: Uint8Array }[] } {
  const read = (name: string): Uint8Array => readBytes(join(dirname(String(model)), name), 'tensors of an ONNX model');
  const files = typeof model === 'string' ? externalFiles.map((name) => ({ path: name, data: read(name) })) : [];
  const given = Object.entries(external).map(([path, data]) => ({ path, data }));
  return files.length + given.length === 0 ? {} : { externalData: [...files, ...given] };
}

function sessionOptions({ name }: Backend, threads: number, profile?: string): InferenceSession.SessionOptions {
  return {
    ...(isDevice(name) && { executionProviders: [name] }),
    ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    enableCpuMemArena: true,
    enableMemPattern: true,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4, // failures arrive as exceptions; other lines on stderr would mix with our own output
    // Spinning gains nothing on idle cores, and slows other processes down by a factor on busy ones.
    extra: {
      'session.intra_op.allow_spinning': '0',
      // L2 decays unused weights to denormal numbers, and products with those are ten times slower.
      'session.set_denormal_as_zero': '1',
      // Our graphs transpose weights where that is faster; this optimiser would undo it.
      'optimization.disable_specified_optimizers': 'GemmTransposeFusion',
    },
  };
}

function checkTypes(backend: Backend, session: InferenceSession): void {
  for (const value of [...session.inputMetadata, ...session.outputMetadata])
    if (!value.isTensor || !SUPPORTED_TYPES.includes(value.type)) {
      const found = value.isTensor ? value.type : 'not a tensor';
      const reason = `"${value.name}" is ${found}: expected one of ${SUPPORTED_TYPES.join(', ')}`;
      throw error('SESSION_REFUSED', { backend: backend.name, reason });
    }
}

function adapt(backend: Backend, session: InferenceSession): Session {
  let released: Promise<void> | undefined;
  return {
    backend: backend.name,
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds, into = {}) {
      const problems = tensorProblems(session, feeds, into);
      if (problems.length > 0) throw error('RUN_INPUTS', { problems });
      const inputs = tensors(backend, session.inputNames, feeds);
      const results = await session.run(inputs, fetches(backend, session, into)).catch((cause: Error) => {
        throw error('RUN_FAILED', { backend: backend.name, reason: cause.message }, cause);
      });
      return Object.fromEntries(
        session.outputNames.map((name) => [name, received(backend, name, results[name], into[name])]),
      );
    },
    release() {
      released ??= session.release();
      return released;
    },
  };
}

/** For each output, by name, the tensor to write into; null if the backend is to create one. */
function fetches(
  backend: Backend,
  session: InferenceSession,
  into: Record<string, Value>,
): InferenceSession.FetchesType {
  const writable = backend.name === 'node' ? tensors(backend, Object.keys(into), into) : {};
  return Object.fromEntries(session.outputNames.map((name) => [name, writable[name] ?? null]));
}

function tensors(backend: Backend, names: readonly string[], values: Record<string, Value>): Record<string, Tensor> {
  return Object.fromEntries(
    names.map((name) => {
      const { type, data, shape } = values[name];
      return [name, new backend.ort.Tensor(type, data, shape)];
    }),
  );
}

/** An output as a value, with its data in the array that was given for it. */
function received(backend: Backend, name: string, result: Tensor, target: Value | undefined): Value {
  const value = { type: result.type as Value['type'], shape: result.dims, data: result.data as TensorData };
  if (target === undefined) return value;
  if (backend.name !== 'node') {
    if (String(result.dims) !== String(target.shape))
      throw error('RUN_INPUTS', {
        problems: [`output ${name} has shape [${result.dims}], but the tensor given for it has [${target.shape}]`],
      });
    target.data.set(value.data);
  }
  return { ...value, data: target.data };
}
