/** What the models of a comparison start from, where its configuration says `defaults: data`. */
import type { ModelDefaults } from '../../config/load-compare.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import { findModel } from '../../model/registry.ts';
import { dataDefaults } from '../../train/run/data-defaults.ts';

/** The defaults that `train` takes on these data: the third argument of loadComparisonConfig. */
export async function defaultsOfData(folder: string): Promise<ModelDefaults> {
  const { manifest } = await openPrepared(folder);
  return (model) => dataDefaults(findModel(model), manifest);
}
