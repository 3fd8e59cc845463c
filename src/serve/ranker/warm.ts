/** Requests that any model can answer: for every scenario one item and a hundred items, all values unknown. */
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { RankRequest } from './contract.ts';

/** Items of the larger requests. */
export const WARM_ITEMS = 100;

/** The user gives a field called `id` as unknown, since requests must give it. */
export function warmRequests({ data }: ArtifactManifest): RankRequest[] {
  const user = data.fields.some(({ name }) => name === 'id') ? { user: { id: null } } : {};
  return data.scenarios.flatMap((scenario) =>
    [1, WARM_ITEMS].map((size) => ({ scenario, ...user, items: Array.from({ length: size }, () => ({ id: '' })) })),
  );
}
