/**
 * The two builds of ONNX Runtime, the native one also on a GPU. Each is loaded when a session first needs it, so importing this room costs nothing.
 * `onnxruntime-web` is an optional peer dependency: 139 MB that only machines without a native binary need.
 */
import type * as Ort from 'onnxruntime-node';
import { error, TributaryError } from '../base/errors/index.ts';
import { WEB_RUNTIME_VERSION } from '../base/version.ts';
import type { BackendChoice, BackendName } from './contract.ts';
import { checkDevice, isDevice } from './devices.ts';

export interface Backend {
  name: BackendName;
  /** Both packages export the API of onnxruntime-common. */
  ort: Pick<typeof Ort, 'InferenceSession' | 'Tensor' | 'env'>;
}

const CHOICES = ['auto', 'node', 'web', 'webgpu', 'cuda', 'best'] as const;

/**
 * Loads a backend. `auto` is the environment variable TRIBUTARY_BACKEND if it is set, else `node` if its native binary
 * loads, else `web`.
 *
 * @throws BACKEND_UNKNOWN, BACKEND_UNAVAILABLE, BACKEND_NOT_INSTALLED, DEVICE_UNAVAILABLE
 */
export async function loadBackend(choice: BackendChoice): Promise<Backend> {
  const wanted = choice === 'auto' ? fromEnvironment() : choice;
  if (wanted !== 'auto' && wanted !== 'best') return load(wanted);
  const onCpu = () => load('node').catch(loadFallback);
  return wanted === 'best' ? load('cuda').catch(onCpu) : onCpu();
}

/** Loads `web` in place of `node`. If `web` is not installed, the error also says why `node` did not load. */
async function loadFallback(nodeFailure: Error): Promise<Backend> {
  try {
    return await load('web');
  } catch (cause) {
    if (!(cause instanceof TributaryError) || cause.code !== 'BACKEND_NOT_INSTALLED') throw cause;
    throw notInstalled(cause, { backend: 'node', reason: reasonOf(nodeFailure) });
  }
}

function fromEnvironment(): BackendChoice {
  const found = process.env.TRIBUTARY_BACKEND || 'auto';
  const known = CHOICES.find((choice) => choice === found);
  if (known === undefined) throw error('BACKEND_UNKNOWN', { found, source: 'TRIBUTARY_BACKEND', known: CHOICES });
  return known;
}

const native = () => import('onnxruntime-node');
const LOADERS = { node: native, webgpu: native, cuda: native, web: () => import('onnxruntime-web') };

/** A package that failed to load is not loaded again: it may be in a half-loaded state. */
const loaded: Partial<Record<BackendName, Promise<Backend>>> = {};

function load(name: BackendName): Promise<Backend> {
  loaded[name] ??= LOADERS[name]().then(
    async (ort): Promise<Backend> => {
      ort.env.logLevel = 'fatal'; // failures arrive as exceptions; it would also print them on stderr
      if (isDevice(name)) await checkDevice(name, ort);
      return { name, ort };
    },
    (cause: Error) => {
      if (isAbsent(cause, 'onnxruntime-web')) throw notInstalled(cause);
      const platform = `${process.platform} ${process.arch}`;
      throw error('BACKEND_UNAVAILABLE', { backend: name, platform, reason: cause.message }, cause);
    },
  );
  return loaded[name];
}

/** Is the package itself missing? If a file inside it is missing, the installation is broken instead. */
const isAbsent = (cause: Error, name: string): boolean =>
  'code' in cause &&
  (cause.code === 'ERR_MODULE_NOT_FOUND' || cause.code === 'MODULE_NOT_FOUND') &&
  new RegExp(`Cannot find (package|module) '${name}'`).test(cause.message);

const notInstalled = (cause: Error, fallback?: { backend: BackendName; reason: string }): TributaryError =>
  error(
    'BACKEND_NOT_INSTALLED',
    { backend: 'web', package: 'onnxruntime-web', version: WEB_RUNTIME_VERSION, fallback },
    cause,
  );

/** The message of the package that failed to load. */
const reasonOf = (failure: Error): string => (failure.cause instanceof Error ? failure.cause : failure).message;
