/** `tributary-ranker/data`: raw rows to encoded batches. */

export type { DatasetConfig, DatasetInput, SplitName } from '../config/dataset.ts';
export { loadDatasetConfig } from '../config/load.ts';
export { type Finding as ValidationFinding, formatFindings, validate } from '../data/checks/validate.ts';
export {
  createRowEncoder,
  type EncoderSource,
  type RowEncoder,
  type RowValues,
  type SequenceValues,
} from '../data/encode/encoder.ts';
export type { PreparedField } from '../data/encode/ids.ts';
export { type InitOptions, init as proposeDataset, type Proposal as DatasetProposal } from '../data/init/init.ts';
export { type Preparation, type PrepareOptions, type PrepareProgress, prepare } from '../data/prepare/prepare.ts';
export { openPrepared, verifyPrepared } from '../data/prepared/open.ts';
export type {
  Batch,
  BatchOptions,
  Manifest as DatasetManifest,
  PreparedData,
  SplitReader,
} from '../data/prepared/prepared.ts';
export type { Recipe } from '../data/recipes/recipe.ts';
export { recipes } from '../data/recipes/recipes.ts';
export type { PlantedTruth } from '../data/synthetic/planted.ts';
export {
  createWorld,
  type Encounter as SyntheticEncounter,
  plantedTruth,
  type World as SyntheticWorld,
} from '../data/synthetic/world.ts';
export { type LandedEvent, type LandOptions, landSources } from '../landing/land.ts';
