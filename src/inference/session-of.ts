/** The device and the threads that the graphs of a run are computed on. */
import type { RunConfig } from '../config/run.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { backendOn } from '../runtime/devices.ts';

export const sessionOf = ({
  backend,
  threads,
  train: { device },
}: RunConfig): Pick<SessionOptions, 'backend' | 'threads'> => ({
  backend: backendOn(device, backend),
  threads,
});
