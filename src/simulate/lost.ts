/** Who is lost before asking, where an arm of an experiment has a fault. */
import { random } from '../base/random.ts';
import type { ServiceClient } from './client.ts';
import type { Visit } from './demand.ts';
import type { Shop } from './options.ts';

/**
 * Is a visit lost? Arms are asked for apart from an answer, so that a lost user is not exposed; only those whom the draw hits are asked
 * for, once a day: coverage may change from one day to the next.
 */
export function lossesOfDay(client: ServiceClient, shop: Shop): (visit: Visit) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  return async ({ user, scenario }) => {
    for (const { experiment, arm, share } of shop.lose) {
      if (random('simulation', shop.seed, 'lost', experiment, arm, user).uniform() >= share) continue;
      const name = shop.world.planted.scenarios[scenario];
      const key = `${experiment}/${name}/${user}`;
      const isInArm = known.get(key) ?? client.armOf(experiment, user, name).then((found) => found === arm);
      known.set(key, isInArm);
      if (await isInArm) return true;
    }
    return false;
  };
}
