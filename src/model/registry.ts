/** The zoo: every model by its key. Adding one is a file and a line here. */
import { error } from '../base/errors/index.ts';
import { adasparse } from './adasparse.ts';
import { aesm2 } from './aesm2/model.ts';
import { aitm } from './aitm.ts';
import { autoifs } from './autoifs/model.ts';
import type { CommonOptions, ModelDefinition } from './contract.ts';
import { crossStitch } from './cross-stitch.ts';
import { dtrn } from './dtrn/model.ts';
import { esmm } from './esmm.ts';
import { hinet } from './hinet.ts';
import { m2m } from './m2m.ts';
import { m3oe } from './m3oe.ts';
import { mmoe } from './mmoe.ts';
import { pepnet } from './pepnet.ts';
import { ple } from './ple.ts';
import { sharedBottom } from './shared-bottom.ts';
import { singleTask } from './single-task.ts';
import { star } from './star.ts';

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
