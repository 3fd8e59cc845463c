/** What a synthetic world is made from. */
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { problemsOf } from '../../config/files/problems.ts';

const count = (most: number) => z.coerce.number().int().min(1).max(most);

/** One flow of one cell. `flow` is 1 to 4, as in AutoIFS. */
const place = z.strictObject({
  scenario: z.int().min(0),
  task: z.int().min(0),
  flow: z.int().min(1).max(4),
});

export const worldSchema = z
  .strictObject({
    seed: z.coerce.number().int().min(0).default(1),
    /** Other tastes of the same users for the same items: each number has its own. Default: those of the seed alone. */
    tastes: z.coerce.number().int().min(1).optional(),
    users: count(100_000_000).default(2000),
    items: count(100_000_000).default(500),
    scenarios: count(64).default(3),
    tasks: count(16).default(2),
    /** Standard deviation, on the logit, of the effect that each of the four flows carries. */
    strengths: z
      .tuple([z.number().min(0), z.number().min(0), z.number().min(0), z.number().min(0)])
      .default([1.2, 1, 1, 1]),
    /** Share of labels drawn from the cell's base rate, whatever user and item are. */
    noise: z.coerce.number().min(0).max(1).default(0),
    /** Where flows are noise. Default: one cell per flow, drawn by the seed (none with fewer than four cells). */
    noiseFlows: z.array(place).optional(),
    /** Where a flow acts against what it does in the other cells. Default: nowhere. */
    opposedFlows: z.array(place).default([]),
    /** Share of the rows that each scenario has, in any unit. Default: each has a little less than the one before. */
    shares: z.array(z.number().positive()).optional(),
    /** A task's label is 1 only where the one before is 1, as a like implies a click. */
    funnel: z.union([z.boolean(), z.stringbool()]).default(false),
  })
  .superRefine(({ noiseFlows = [], opposedFlows, shares, scenarios, tasks }, context) => {
    const problem = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    for (const [name, places] of Object.entries({ noiseFlows, opposedFlows }))
      for (const [i, { scenario, task }] of places.entries())
        if (scenario >= scenarios || task >= tasks)
          problem([name, i], `there is no cell (${scenario}, ${task}) in ${scenarios} x ${tasks}`);
    if (shares !== undefined && shares.length !== scenarios)
      problem(['shares'], `expected a share for each of ${scenarios} scenarios, found ${shares.length}`);
  });

/** Options of a world; every one has a default. */
export type WorldInput = z.input<typeof worldSchema>;
export type WorldOptions = z.output<typeof worldSchema>;

/** Fills in the defaults. Throws CONFIG_INVALID naming every mistake. */
export function worldOptions(input: unknown): WorldOptions {
  const parsed = worldSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error.issues, input, worldSchema);
  throw error('CONFIG_INVALID', { source: 'the options of the synthetic world', problems });
}
