/** How much less the positions of a list are looked at than the first, by scenario. */
import { z } from 'zod';
import { count, metric, seconds } from '../parts.ts';

export const positionBiasSchema = z.strictObject({
  schema: z.literal('position-bias/1'),
  log: z.string(),
  /** Of the interactions that were counted. */
  type: z.string(),
  scenarios: z.array(
    z.strictObject({
      scenario: z.string(),
      /** `random-orders`: of explored requests, by their chances; `rankers`: items that several rankers put at two positions; `em`: a click model. */
      method: z.enum(['random-orders', 'rankers', 'em']),
      /** What has to hold. */
      assumption: z.string(),
      /** Requests that it was computed from. */
      requests: count,
      positions: z.array(
        z.strictObject({
          position: z.int().min(1),
          impressions: count,
          clicks: count,
          /** Chance to be looked at over that of the first position; null where nothing in the log says so. */
          relative: metric,
          /** 95 %; null where the method has none. */
          low: metric,
          high: metric,
        }),
      ),
    }),
  ),
  duplicates: count,
  damaged: count,
  seconds,
});

export type PositionBiasDocument = z.output<typeof positionBiasSchema>;
