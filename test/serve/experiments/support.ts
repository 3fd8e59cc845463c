/** Services with experiments, and what they logged. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ServingInput } from '../../../src/config/serving.ts';
import { armRanges, assign } from '../../../src/evaluate/experiment/index.ts';
import type { Impression } from '../../../src/events/event.ts';
import { readSegments } from '../../events/read-segments.ts';
import { artifact, type Client, REQUEST, serving, temporaryFolder } from '../support.ts';

export type ExperimentInput = NonNullable<ServingInput['experiments']>[number];

/** Two artifacts under one name, both served: requests that name none get the second one. */
export function pair() {
  const [old, now] = [artifact({ seed: 1 }), artifact({ seed: 2 })];
  const [control, treatment] = [old, now].map(({ manifest }) => `test-model@${manifest.id}`);
  return { folders: [old.folder, now.folder], old, now, control, treatment };
}

/** A service that logs all answers in a folder of its own. */
export async function experimenting(
  folders: readonly string[],
  experiments: ExperimentInput[],
  config: ServingInput = {},
): Promise<{ client: Client; impressions(): Promise<Impression[]> }> {
  const folder = join(temporaryFolder(), 'events');
  const client = await serving(folders, { experiments, ...config, events: { folder, unit: 'user', ...config.events } });
  return { client, impressions: () => impressionsOf(client, folder) };
}

/** All of them, once the service has ended. */
async function impressionsOf(client: Client, folder: string): Promise<Impression[]> {
  await client.service.close();
  const found: Impression[] = [];
  for await (const { events, damaged } of readSegments(folder)) {
    expect(damaged).toBe(0);
    found.push(...events.filter((event) => event.kind === 'impression'));
  }
  return found;
}

export const request = (user: string | number | null, over: object = {}) => ({ ...REQUEST, user: { user }, ...over });

/** The unit's arm by the pure function. */
export const armOf = (key: string, user: string, weights = [0.5, 0.5], coverage = 1): number | undefined =>
  assign({ key, hashVersion: 2, weights, coverage }, user)?.arm;

/** The first user whose arm it is. */
export function userIn(key: string, arm: number | undefined, coverage = 1): string {
  expect(armRanges([0.5, 0.5], coverage)).toHaveLength(2);
  return Array.from({ length: 1000 }, (_, i) => `u${i}`).find(
    (user) => armOf(key, user, [0.5, 0.5], coverage) === arm,
  ) as string;
}
