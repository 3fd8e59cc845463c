/** What a ramp did: one record for each decision that changed something, and what holds it at present. */
import { z } from 'zod';
import { count } from '../parts.ts';

const record = z.strictObject({
  at: z.iso.datetime(),
  /** `begin`: the ramp took over. `ship`, `no difference`: the verdict is there, and coverage stays. `stopped`: somebody else ended it. */
  decision: z.enum(['begin', 'raise', 'roll back', 'ship', 'no difference', 'stopped']),
  /** Coverage from now on. */
  coverage: z.number().min(0).max(1),
  sentence: z.string(),
  /** Units of each arm at that time. */
  units: z.record(z.string(), count),
});

export const rampSchema = z.strictObject({
  schema: z.literal('experiment-ramp/1'),
  key: z.string(),
  url: z.string(),
  records: z.array(record),
  /** A change that was decided and that the service may not have yet: the next start makes it. */
  pending: record.optional(),
  /** Why nothing changed at the last look. */
  held: z.strictObject({ at: z.iso.datetime(), sentence: z.string() }).optional(),
});
export type Ramp = z.output<typeof rampSchema>;
export type RampRecord = z.output<typeof record>;
