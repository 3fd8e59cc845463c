import type { Encounter, World } from '../../../src/data/synthetic/world.ts';

export const logit = (p: number): number => Math.log(p / (1 - p));

/** The best score of a ranker that does not see the scenario. */
export const blindScore = (world: World) => (e: Encounter, t: number) =>
  world.planted.scenarioShares.reduce(
    (sum, share, scenario) => sum + share * world.probabilities({ ...e, scenario })[t],
    0,
  );
