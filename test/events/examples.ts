/** Events for tests. */
import type { Impression, Interaction } from '../../src/events/event.ts';

export const impression = (n: number, over: Partial<Impression> = {}): Impression => ({
  schema: 'event/1',
  event_id: `impression ${n}`,
  kind: 'impression',
  time: 1_700_000_000_000 + n,
  request_id: `request ${n}`,
  scenario: 'home',
  unit: `user ${n % 10}`,
  model: 'shop@38157ceaff06',
  score_hash: '0123456789abcdef',
  policy: { kind: 'deterministic' },
  candidates: 2,
  items: [
    { item_id: 'a', position: 1, score: 0.5, probabilities: { click: 0.5 }, values: { price: 1.5, tags: ['x', 'y'] } },
    { item_id: 'b', position: null, score: 0.25, probabilities: { click: 0.25 }, values: { price: null } },
  ],
  values: { age: 30, city: 'Zürich' },
  ...over,
});

export const interaction = (n: number, over: Partial<Interaction> = {}): Interaction => ({
  schema: 'event/1',
  event_id: `interaction ${n}`,
  kind: 'interaction',
  time: 1_700_000_001_000 + n,
  request_id: `request ${n}`,
  item_id: 'a',
  type: 'click',
  ...over,
});
