/** A model fixture under test: the claims of its JSON file, and our side. */
import { z } from 'zod';
import type { Checks } from '../checks.ts';
import { type Fixture, NotUnderstood } from '../fixture.ts';
import type { Subject } from '../subject.ts';
import type { Tolerances } from '../tolerance.ts';
import type { FlowGates } from './flow-gates.ts';

/** Number of optimiser steps in the fixtures. */
export const STEPS = 3;

/** Shared by the checks of a fixture. */
export interface ModelCase {
  fixture: Fixture;
  claims: Claims;
  tolerance: Tolerances;
  checks: Checks;
  subject: Subject;
  /** Present if gates are hard and inputs of the graph. */
  gates: FlowGates | undefined;
}

const group = z.strictObject({ lr: z.number(), weight_decay: z.number(), members: z.string().optional() });
const claimsSchema = z.object({
  losses_before_each_adam3_step: z.array(z.number()).length(STEPS).optional(),
  gate_rate: z.array(z.array(z.number())).optional(),
  smallest_abs_gate_logit: z.number().optional(),
  no_gradient: z.array(z.string()).default([]),
  zero_gradients: z.array(z.string()).default([]),
  train: z.boolean().optional(),
  param_count: z.number().optional(),
  scenario_counts: z.array(z.number()).optional(),
  smallest_live_gradient_tensor: z.object({ name: z.string(), max_abs: z.number() }).optional(),
  observed_float32_error: z.unknown(),
  selection_count_histogram_0_1_2: z.record(z.string(), z.array(z.number()).length(3)).optional(),
  rows_where_an_unselected_expert_wins: z.record(z.string(), z.number()).optional(),
  smallest_selection_margin: z.number().optional(),
  optimiser_groups: z
    .strictObject({ weights: group, gates: group.nullable(), weight_decay: z.string().optional() })
    .optional(),
});

/** Claims of the JSON file about the numbers. */
export type Claims = z.output<typeof claimsSchema>;

export function readClaims(fixture: Fixture): Claims {
  const found = Object.fromEntries(Object.keys(claimsSchema.shape).map((key) => [key, fixture.entry(key)]));
  const parsed = claimsSchema.safeParse(found);
  if (!parsed.success) throw new NotUnderstood(z.prettifyError(parsed.error));
  return parsed.data;
}
