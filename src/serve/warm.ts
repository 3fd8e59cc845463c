/** Requests that any model can answer: every scenario, one item and a hundred, nothing known of them. */
import type { ArtifactManifest } from '../artifact/manifest.ts';
import type { RankRequest } from './contract.ts';

/** The name of the items is empty: a field may be called "id", and then it is that field's value, too. */
export const warmRequests = ({ data }: ArtifactManifest): RankRequest[] =>
  data.scenarios.flatMap((scenario) =>
    [1, 100].map((size) => ({ scenario, items: Array.from({ length: size }, () => ({ id: '' })) })),
  );
