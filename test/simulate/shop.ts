/** A service that ranks the items of a synthetic world with drawn weights, and logs with the clock of its requests. */
import { join } from 'node:path';
import type { ServingInput } from '../../src/config/serving.ts';
import { createWorld, type World } from '../../src/data/synthetic/world.ts';
import type { Correction, Impression, Interaction } from '../../src/events/event.ts';
import { readSegments } from '../events/read-segments.ts';
import type { TestData } from '../serve/artifacts.ts';
import { artifact, serving, temporaryFolder } from '../serve/support.ts';

export const smallWorld = (seed = 5): World => createWorld({ seed, users: 60, items: 40 });

/** An artifact that reads the world's fields. Other seeds rank otherwise. */
export function worldArtifact(world: World, seed = 1, without: string[] = []) {
  const { scenarios, tasks } = world.planted;
  const numbers = (n: number): string[] => Array.from({ length: n }, (_, i) => String(i));
  const field = (name: string, size: number): TestData['fields'][number] => ({
    config: { name, kind: 'categorical' },
    tokens: numbers(size),
  });
  const levels = ['taste', 'occasion', 'loyalty', 'region', 'topic', 'format', 'tier', 'origin'];
  const fields = [
    field('user_id', world.options.users),
    field('item_id', world.options.items),
    ...levels.map((name) => field(name, 8)),
  ];
  return artifact({
    seed,
    without,
    data: { scenarios, tasks, fields },
    score: { default: 'click + like', scenarios: {} },
  });
}

/** Ends with the test. */
export async function openShop(
  world: World,
  { events, ...config }: Omit<ServingInput, 'events'> & { events?: Partial<NonNullable<ServingInput['events']>> } = {},
  made = worldArtifact(world),
) {
  const log = join(temporaryFolder(), 'events');
  const client = await serving([made.folder], {
    unknownFields: 'ignore',
    ...config,
    events: { folder: log, unit: 'user_id', unshown: 100, clock: 'requests', ...events },
  });
  return { url: client.address, log, client, folder: made.folder, label: `test-model@${made.manifest.id}` };
}

/** What a log holds, once the service has ended. */
export async function eventsOf(log: string) {
  const found = { impressions: [] as Impression[], interactions: [] as Interaction[], corrections: [] as Correction[] };
  for await (const { events } of readSegments(log))
    for (const event of events)
      if (event.kind === 'impression') found.impressions.push(event);
      else if (event.kind === 'interaction') found.interactions.push(event);
      else if (event.kind === 'correction') found.corrections.push(event);
  return found;
}
