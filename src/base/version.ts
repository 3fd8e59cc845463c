/** What this program is, as its package says. */
import { readFileSync } from 'node:fs';

// Two folders above this file, both in src/ and in dist/.
const manifest: {
  version: string;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
} = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

export const VERSION = manifest.version;

/** The version of onnxruntime-web that this program is tested with. The package is optional: users install it themselves. */
export const WEB_RUNTIME_VERSION = manifest.peerDependencies['onnxruntime-web'];

/** The version of koffi, which npm may leave out of an installation. */
export const KOFFI_VERSION = manifest.optionalDependencies.koffi;

/** What decides a run's bits next to its configuration: recorded in run folders. */
export const versions = (): Record<string, string> => ({
  tributary: VERSION,
  node: process.versions.node,
  onnxruntime: manifest.dependencies['onnxruntime-node'],
});
