/** What every route is given, and what a request carries from the hooks to its route. */
import type { ServingConfig } from '../../config/serving.ts';
import type { EventLogger } from '../events/logger.ts';
import type { Experiments } from '../experiments/served.ts';
import type { Access } from '../http/access.ts';
import type { SentItems } from '../http/sent-items.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';
import type { Models } from '../models/models.ts';
import type { Coordinator } from '../processes/coordinator.ts';

export interface RouteContext {
  config: ServingConfig;
  models: Models;
  metrics: ServerMetrics;
  experiments: Experiments;
  coordinator: Coordinator;
  /** Absent where no events are logged. */
  events?: EventLogger;
  /** Does this process take new requests? */
  isReady: () => boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Name of the key. */
    caller: string | undefined;
    /** Size of the body, unpacked. */
    bodyBytes: number;
    /** Where answers are logged: the items of the body, if a log may keep them as they came. */
    sentItems: SentItems | undefined;
    /** What the log may say of a request, next to its route and status. */
    noted: { model?: string; items?: number; request_id?: string; code?: string };
  }
}
