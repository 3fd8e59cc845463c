/** What differences between models are worth. */
export { type BootstrapCell, bootstrapAuc, bootstrapTest } from './bootstrap.ts';
export { CORRECTIONS } from './corrections.ts';
export { aucVariance, delongTest, meanPlacements, type Placements, placements } from './delong.ts';
export { chiSquareCritical, chiSquareTail, normalBelow, normalCritical, normalQuantile } from './distributions.ts';
export { GroupNumbers } from './groups.ts';
export { meanOf, pairedT, type Test } from './means.ts';
