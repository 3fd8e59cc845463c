/** What a model file is written with: the contract, the layers, and the options that models share. */
export type {
  BufferSpec,
  CommonOptions,
  FlowSelection,
  ForwardOutputs,
  Initializer,
  Layer,
  ModelDefinition,
  ModelSizes,
  Network,
  Owned,
  ParameterSpec,
  Phase,
  Progress,
  SequenceSizes,
  Step,
  Top,
  ValidationGroup,
} from './contract.ts';
export { paddingBias, selfAttention } from './layers/attention.ts';
export { type CgcRows, type CgcSizes, cgc } from './layers/cgc.ts';
export { embedding } from './layers/embedding.ts';
export { fieldIndices, fieldProblems, fieldsOf, inputWidth } from './layers/fields.ts';
export { gateUnit } from './layers/gate-unit.ts';
export { type Heads, headCount, headTowers, ownHeads, towers } from './layers/heads.ts';
export { type Generated, generator, ownLayer, ownProduct } from './layers/hypernetwork.ts';
export {
  buffer,
  byInputs,
  chain,
  type DenseInitializers,
  last,
  layer,
  owned,
  parameter,
  widthsOf,
  xavier,
} from './layers/layer.ts';
export {
  forEachMember,
  type Linear,
  type LinearSizes,
  linear,
  type MlpSizes,
  mlp,
  mlpBlocks,
  type StackSizes,
} from './layers/linear.ts';
export { type Lora, type LoraInit, lora } from './layers/lora.ts';
export { mixture, weightedSum } from './layers/mixture.ts';
export { conditionalNorm, forEachItem, generatedNorms, type ScaleAndShift } from './layers/norms/conditional-norm.ts';
export { type BatchNormOptions, batchNorm, type Norm, normalization, standardized } from './layers/norms/norm.ts';
export { partitionedNorm } from './layers/norms/partitioned-norm.ts';
export { ranks } from './layers/rank.ts';
export { type ExcitationSizes, excitation, type Squeeze } from './layers/squeeze-excitation.ts';
export { starNetwork } from './layers/star.ts';
export { countNumbers, defineModel, network, networkOf } from './network.ts';
export {
  BASELINE_TRAINING,
  baseline,
  commonOptions,
  modelOptions,
  option,
  positive,
  widths,
} from './options.ts';
