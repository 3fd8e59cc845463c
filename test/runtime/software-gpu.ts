/** A GPU in software, for WebGPU. */
import { existsSync } from 'node:fs';

const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const LOADERS = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/aarch64-linux-gnu/libvulkan.so.1'];

/**
 * The environment in which WebGPU computes by SwiftShader; undefined where it is not installed.
 *
 * @param folder writable, for its sockets
 */
export const softwareGpu = (folder: string): { VK_ICD_FILENAMES: string; XDG_RUNTIME_DIR: string } | undefined =>
  existsSync(DRIVER) && LOADERS.some((path) => existsSync(path))
    ? { VK_ICD_FILENAMES: DRIVER, XDG_RUNTIME_DIR: folder }
    : undefined;
