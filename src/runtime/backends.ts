/** The two builds of ONNX Runtime, loaded at first use: importing this room costs nothing, a session pays for one of them. */
import type * as Ort from 'onnxruntime-node';
import { error } from '../base/errors/index.ts';
import type { BackendName } from './contract.ts';

export interface Backend {
  name: BackendName;
  /** Both packages export the API of onnxruntime-common. */
  ort: Pick<typeof Ort, 'InferenceSession' | 'Tensor' | 'env'>;
}

const CHOICES = ['auto', 'node', 'web'] as const;

/**
 * The backend of a choice. `auto` is the environment's TRIBUTARY_BACKEND where that is set, else `node` where its native
 * binary loads, else `web`.
 *
 * @throws BACKEND_UNKNOWN, BACKEND_UNAVAILABLE
 */
export async function loadBackend(choice: BackendName | 'auto'): Promise<Backend> {
  const wanted = choice === 'auto' ? fromEnvironment() : choice;
  if (wanted === 'web') return loadWeb();
  if (wanted === 'node') return loadNode();
  return loadNode().catch(() => loadWeb());
}

/** Which backends load on this machine; for those that do not, why. */
export async function listBackends(): Promise<{ name: BackendName; available: boolean; reason?: string }[]> {
  const attempts = [
    ['node', loadNode()],
    ['web', loadWeb()],
  ] as const;
  return Promise.all(
    attempts.map(([name, attempt]) =>
      attempt.then(
        () => ({ name, available: true }),
        (cause: Error) => ({ name, available: false, reason: cause.message }),
      ),
    ),
  );
}

function fromEnvironment(): BackendName | 'auto' {
  const found = process.env.TRIBUTARY_BACKEND || 'auto';
  const known = CHOICES.find((choice) => choice === found);
  if (known === undefined) throw error('BACKEND_UNKNOWN', { found, source: 'TRIBUTARY_BACKEND', known: CHOICES });
  return known;
}

async function loadNode(): Promise<Backend> {
  try {
    return { name: 'node', ort: await import('onnxruntime-node') };
  } catch (cause) {
    throw unavailable('node', cause);
  }
}

async function loadWeb(): Promise<Backend> {
  try {
    return { name: 'web', ort: await import('onnxruntime-web') };
  } catch (cause) {
    throw unavailable('web', cause);
  }
}

const unavailable = (backend: BackendName, cause: unknown) =>
  error(
    'BACKEND_UNAVAILABLE',
    { backend, platform: `${process.platform} ${process.arch}`, reason: (cause as Error).message },
    cause,
  );
