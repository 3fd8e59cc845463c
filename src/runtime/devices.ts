/** GPUs: what ONNX Runtime's native build calls them, and whether there is one here. */
import type * as Ort from 'onnxruntime-node';
import { error } from '../base/errors/index.ts';
import type { BackendChoice, BackendName } from './contract.ts';

/** Where the graphs of a run or a service are computed. `auto` is CUDA where its libraries are, else the CPU. */
export const DEVICES = ['cpu', 'webgpu', 'cuda', 'auto'] as const;
export type Device = (typeof DEVICES)[number];

/** The backend that computes on a device. `backend` says which build does it on the CPU. */
export const backendOn = (device: Device | undefined, backend?: BackendChoice): BackendChoice | undefined =>
  device === undefined || device === 'cpu' ? backend : device === 'auto' ? 'best' : device;

type Gpu = Extract<BackendName, 'webgpu' | 'cuda'>;
export const isDevice = (name: BackendName): name is Gpu => name === 'webgpu' || name === 'cuda';

/** y = relu(x), x float32 [1]: the smallest model that a device can be asked to run, as ONNX. */
const SMALLEST = 'CAg6MwoMCgF4EgF5IgRSZWx1EgFnWg8KAXgSCgoICAESBAoCCAFiDwoBeRIKCggIARIECgIIAUICEA0=';

/** Runs a model on the device. Throws DEVICE_UNAVAILABLE. */
export async function checkDevice(
  device: Gpu,
  { InferenceSession, Tensor }: Pick<typeof Ort, 'InferenceSession' | 'Tensor'>,
): Promise<void> {
  try {
    const options = { executionProviders: [device], logSeverityLevel: 4 as const };
    const session = await InferenceSession.create(Buffer.from(SMALLEST, 'base64'), options);
    await session.run({ x: new Tensor('float32', Float32Array.of(1), [1]) });
    await session.release();
  } catch (cause) {
    // What precedes the reason are a file and a function of ONNX Runtime.
    const reason = (cause as Error).message.trim().replace(/^.* was false\. /s, '');
    throw error('DEVICE_UNAVAILABLE', { device, reason }, cause);
  }
}
