/** The zoo: every model by its key. Adding one is a file and a line here. */
import { error } from '../base/errors/index.ts';
import type { CommonOptions, ModelDefinition } from './contract.ts';
import { adasparse } from './zoo/adasparse.ts';
import { aesm2 } from './zoo/aesm2/model.ts';
import { aitm } from './zoo/aitm.ts';
import { autoifs } from './zoo/autoifs/model.ts';
import { crossStitch } from './zoo/cross-stitch.ts';
import { dtrn } from './zoo/dtrn/model.ts';
import { esmm } from './zoo/esmm.ts';
import { hinet } from './zoo/hinet.ts';
import { m2m } from './zoo/m2m.ts';
import { m3oe } from './zoo/m3oe.ts';
import { mmoe } from './zoo/mmoe.ts';
import { pepnet } from './zoo/pepnet.ts';
import { ple } from './zoo/ple.ts';
import { sharedBottom } from './zoo/shared-bottom.ts';
import { singleTask } from './zoo/single-task.ts';
import { star } from './zoo/star.ts';

// Each definition's functions take the options of its own schema; behind the registry they are just options.
const definitions = [
  adasparse,
  aesm2,
  aitm,
  autoifs,
  crossStitch,
  dtrn,
  esmm,
  hinet,
  m2m,
  m3oe,
  mmoe,
  pepnet,
  ple,
  sharedBottom,
  singleTask,
  star,
] as unknown as readonly ModelDefinition<CommonOptions>[];

export const models: ReadonlyMap<string, ModelDefinition<CommonOptions>> = new Map(
  definitions.map((model) => [model.key, model]),
);

/** The model of a key. Throws MODEL_UNKNOWN, naming the known ones. */
export function findModel(key: string): ModelDefinition<CommonOptions> {
  const model = models.get(key);
  if (model === undefined) throw error('MODEL_UNKNOWN', { key, known: [...models.keys()] });
  return model;
}
