import { EXIT, entry } from './entry.ts';

export const RUNTIME_ERRORS = {
  BACKEND_UNKNOWN: entry(
    EXIT.usage,
    400,
    (d: { found: string; source: string; known: readonly string[] }) =>
      `${d.source} names the backend "${d.found}": expected one of ${d.known.join(', ')}`,
    { onPage: 'Set the environment variable to one of them, or remove it' },
  ),
  BACKEND_UNAVAILABLE: entry(
    EXIT.environment,
    500,
    (d: { backend: string; platform: string; reason: string }) =>
      `the backend "${d.backend}" does not load on ${d.platform}: ${d.reason}`,
    'Reinstall with `npm ci`, or set the backend to `auto`',
  ),
  BACKEND_NOT_INSTALLED: entry(
    EXIT.environment,
    500,
    (d: {
      backend: string;
      package: string;
      version: string;
      /** Why the default backend was not used, where `auto` fell back from it. */
      fallback?: { backend: string; reason: string };
    }) =>
      `the backend "${d.backend}" needs the package ${d.package}, which is not installed` +
      (d.fallback === undefined
        ? ''
        : `, and the backend "${d.fallback.backend}" does not load here: ${d.fallback.reason}`),
    (d) =>
      `Install it next to tributary-ranker: \`npm install ${d.package}@${d.version}\` (with -g if tributary-ranker is installed globally)` +
      (d.fallback === undefined ? ', or set the backend to `auto`' : ''),
  ),
  DEVICE_UNAVAILABLE: entry(
    EXIT.environment,
    500,
    (d: { device: 'webgpu' | 'cuda'; reason: string }) => `there is no device "${d.device}" here: ${d.reason}`,
    (d) =>
      d.device === 'cuda'
        ? 'npm does not bring the libraries of CUDA: `ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js` does, next to CUDA 12 and cuDNN. Or take the device cpu'
        : 'WebGPU needs a graphics driver; on Linux also a Vulkan loader (Debian: `apt-get install libvulkan1`). Or take the device cpu',
  ),
  SESSION_REFUSED: entry(
    EXIT.internal,
    500,
    (d: { backend: string; reason: string }) => `onnxruntime (${d.backend}) refused the graph: ${d.reason}`,
    { onPage: 'Export the artifact again, or try the other backend. If both refuse it, please report this' },
  ),
  RUN_INPUTS: entry(
    EXIT.internal,
    500,
    (d: { problems: string[] }) => `the graph cannot run with these tensors: ${d.problems.join('; ')}`,
    { onPage: 'A fault of the program: please report this with the command' },
  ),
  RUN_FAILED: entry(
    EXIT.internal,
    500,
    (d: { backend: string; reason: string }) => `onnxruntime (${d.backend}) failed to run the graph: ${d.reason}`,
    { onPage: 'If memory ran out, lower train.batchSize. Otherwise please report this with the command' },
  ),
} as const;
