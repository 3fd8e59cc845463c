/** Requests that any model can answer: every scenario, one item and a hundred, nothing known of them. */
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { RankRequest } from './contract.ts';

/** Items of the larger ones. */
export const WARM_ITEMS = 100;

/** A field called `id` must be given, as not known. */
export function warmRequests({ data }: ArtifactManifest): RankRequest[] {
  const user = data.fields.some(({ name }) => name === 'id') ? { user: { id: null } } : {};
  return data.scenarios.flatMap((scenario) =>
    [1, WARM_ITEMS].map((size) => ({ scenario, ...user, items: Array.from({ length: size }, () => ({ id: '' })) })),
  );
}
