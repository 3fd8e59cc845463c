/** What a simulated shop is like. Every option has a default. */

import { DAY_MS } from '../base/times.ts';
import type { World } from '../data/synthetic/world.ts';

export interface SimulationOptions {
  /** Of the first day. */
  world: World;
  /** Names the requests and decides who asks for what: another run into the same log takes another seed. Default 1. */
  seed?: number;
  /** Midnight (UTC) that the first day begins with, milliseconds since 1970. Default: where the rows of the world end. */
  from?: number;
  /** Default 1000. */
  requestsADay?: number;
  /** Items of a request, different ones. Default 20. */
  candidates?: number;
  /** Items that users see. Default 5. */
  shown?: number;
  /** The item at position j (from 0) is looked at with probability (1 + j)^-positionBias. Default 1. */
  positionBias?: number;
  /** Mean time from one label of an item to the next (click, then like), milliseconds. Default 5 minutes. */
  delay?: number;
  /** Share of the last task's labels that are taken back, a day later on average. Default 0. */
  refunds?: number;
  /** Days (from 1) with whose first request all users take other tastes, those of a world with the next number in `tastes`. Default: none. */
  drift?: readonly number[];
  /** What a label of each task is worth; tasks that are not named are worth nothing. Default: each 1. */
  reward?: Readonly<Record<string, number>>;
  /** Users that arms of experiments lose before they ask. Default: none. */
  lose?: readonly Loss[];
}

/** A fault of an arm, such as a redirect that fails for some: it loses this share of its users for good. */
export interface Loss {
  experiment: string;
  arm: string;
  share: number;
}

/** With defaults. */
export type Shop = Required<SimulationOptions>;

/** The day after the last rows of a synthetic world. */
const AFTER_THE_ROWS = Date.UTC(2024, 0, 31);

export function shopOf({ world, ...given }: SimulationOptions): Shop {
  return {
    seed: 1,
    from: AFTER_THE_ROWS,
    requestsADay: 1000,
    candidates: 20,
    shown: 5,
    positionBias: 1,
    delay: 5 * 60_000,
    refunds: 0,
    drift: [],
    lose: [],
    reward: Object.fromEntries(world.planted.tasks.map((task) => [task, 1])),
    ...given,
    world,
  };
}

/** Midnight that day `day` (from 1) begins with. */
export const startOf = ({ from }: Shop, day: number): number => from + (day - 1) * DAY_MS;
