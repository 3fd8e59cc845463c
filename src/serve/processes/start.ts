/** How a service starts, in one process or in several. */
import type { ServingConfig } from '../../config/serving.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import type { ArtifactStore } from '../models/artifact-store.ts';
import type { ModelState, ServedModel } from '../models/served.ts';

export interface ServiceStart {
  config: ServingConfig;
  backend?: SessionOptions['backend'];
  /** Owns the private copies of `served`. */
  store: ArtifactStore;
  served: ServedModel[];
  /** Called with what an operator should know. */
  onTrouble: (message: string) => void;
}

export interface Started {
  port: number;
  list(): ModelState[];
  /** Answers open requests, for `drainSeconds` at most, then stops. */
  close(): Promise<void>;
}
