/** Requests that any model can answer: every scenario, one item and a hundred, nothing known of them. */
import type { ArtifactManifest } from '../artifact/manifest.ts';
import type { RankRequest } from './contract.ts';

/** A field called `id` must be given, as not known. */
export function warmRequests({ data }: ArtifactManifest): RankRequest[] {
  const user = data.fields.some(({ name }) => name === 'id') ? { user: { id: null } } : {};
  return data.scenarios.flatMap((scenario) =>
    [1, 100].map((size) => ({ scenario, ...user, items: Array.from({ length: size }, () => ({ id: '' })) })),
  );
}
