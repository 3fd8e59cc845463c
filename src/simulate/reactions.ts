/** What users do with what was shown to them, and when: events as a shop sends them. */
import { random } from '../base/random.ts';
import { DAY_MS } from '../base/times.ts';
import type { Answer } from '../data/synthetic/world.ts';
import type { Visit } from './demand.ts';
import type { Shop } from './options.ts';

/** An event of the body of POST /v1/events. */
export interface Reaction {
  kind: 'interaction' | 'correction';
  event_id: string;
  request_id: string;
  item_id: string;
  /** The name of a task. */
  type: string;
  /** Milliseconds since 1970. */
  time: number;
}

/** Mean time until a user reacts to what was shown, milliseconds. */
const FIRST = 30_000;

/** Interactions for each label of 1, and the corrections that take some of them back. */
export function reactionsOf(shop: Shop, { id, time }: Visit, answers: readonly Answer[]): Reaction[] {
  const { tasks } = shop.world.planted;
  return answers.flatMap(({ item, labels }) => {
    const generator = random('simulation', shop.seed, 'reactions', id, item);
    const wait = (mean: number): number => Math.ceil(-Math.log(1 - generator.uniform()) * mean);
    const found: Reaction[] = [];
    let last = time;
    for (const [t, type] of tasks.entries()) {
      if (labels[t] === 0) continue;
      last += wait(found.length === 0 && t === 0 ? FIRST : shop.delay);
      const event_id = `${id}/${item}/${type}`;
      const on = { request_id: id, item_id: String(item), type };
      found.push({ kind: 'interaction', event_id, ...on, time: last });
      if (t === tasks.length - 1 && generator.uniform() < shop.refunds)
        found.push({ kind: 'correction', event_id: `${event_id}/back`, ...on, time: last + wait(DAY_MS) });
    }
    return found;
  });
}
