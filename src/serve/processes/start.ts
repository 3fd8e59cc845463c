/** How a service starts, in one process or in several. */
import type { ServingConfig } from '../../config/serving.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import type { ExperimentsState } from '../experiments/state.ts';
import type { Refreshed } from '../features/state.ts';
import type { FeatureStore } from '../features/store.ts';
import type { ArtifactStore } from '../models/artifact-store.ts';
import type { ModelState, ServedModel } from '../models/served.ts';

/** What an operator should know: workers that end or cannot start, scores for a model that is not served. */
export interface ServiceEvent {
  event: 'warning';
  message: string;
}

export interface ServiceStart {
  config: ServingConfig;
  backend?: SessionOptions['backend'];
  /** Owns the private copies of `served`. */
  store: ArtifactStore;
  /** Owns the files of their tables. */
  features: FeatureStore | undefined;
  served: ServedModel[];
  experiments: ExperimentsState;
  /** Keeps them once they fit the models, before anybody can change them. */
  keepExperiments: () => void;
  onEvent: (event: ServiceEvent) => void;
}

export interface Started {
  port: number;
  list(): ModelState[];
  /** As Coordinator.refresh. */
  refresh(): Promise<Refreshed>;
  /** Answers open requests, for `drainSeconds` at most, then stops. */
  close(): Promise<void>;
}
