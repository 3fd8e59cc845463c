/** What the tables of an artifact are built from. */
import { error } from '../../base/errors/index.ts';
import { fieldSchema } from '../../config/dataset/fields.ts';
import { isRate } from '../../config/dataset.ts';
import type { FeaturesConfig } from '../../config/features.ts';
import type { FeatureModel } from '../../features/contract.ts';
import { readManifest } from '../../store/artifact/manifest-file.ts';
import { holdPlace } from '../../store/artifact/place.ts';

/**
 * @param folder the private copy
 * @param servedAs name under which it is served, if not its own
 * @throws FEATURES_ARTIFACT
 */
export function featureModelOf(
  folder: string,
  servedAs: string | undefined,
  { tables, sent }: FeaturesConfig,
): FeatureModel {
  const place = holdPlace(folder);
  try {
    const { manifest } = readManifest(place);
    const name = servedAs ?? manifest.name;
    const label = `${name}@${manifest.id}`;
    const own = Object.fromEntries(
      Object.entries(tables).filter(([, { models }]) => models === undefined || models.includes(name)),
    );
    const { preparation, fields } = manifest.data;
    if (Object.keys(own).length > 0 && preparation === undefined) throw error('FEATURES_ARTIFACT', { model: label });
    return {
      label,
      preparation: preparation ?? { from: '', sources: {}, joins: [] },
      fields: fields.flatMap(({ config, slots }) => {
        const field = fieldSchema.parse(config);
        return isRate(field) ? [] : [{ config: field, slots }]; // rates follow from other fields
      }),
      tables: own,
      sent,
    };
  } finally {
    place.close();
  }
}
