/** The models of a service: for each name its artifact, and the previous one. */
import type { ServedTables } from '../features/store.ts';
import type { StoredArtifact } from './artifact-store.ts';

export interface ServedModel {
  name: string;
  current: StoredArtifact;
  previous?: StoredArtifact;
}

/** A model as the admin routes show it. */
export interface ModelState {
  name: string;
  current: ArtifactState;
  previous?: ArtifactState;
}

export interface ArtifactState {
  id: string;
  path: string;
  /** When the artifact was made. */
  created: string;
}

/** Replaces the artifact of a name, or adds the name at the end. `dropped`: the artifact before the replaced one. */
export function withArtifact(
  served: readonly ServedModel[],
  name: string,
  artifact: StoredArtifact,
): { served: ServedModel[]; dropped?: StoredArtifact } {
  const model: ServedModel = { name, current: artifact };
  const replaced = served.find((known) => known.name === name);
  if (replaced === undefined) return { served: [...served, model] };
  model.previous = replaced.current;
  return { served: served.map((known) => (known === replaced ? model : known)), dropped: replaced.previous };
}

/** A model with other tables, as far as there are some for it. */
export function withTables({ name, current, previous }: ServedModel, tables: readonly ServedTables[]): ServedModel {
  const changed = (artifact: StoredArtifact): StoredArtifact => {
    const found = tables.find((each) => each.name === name && each.folder === artifact.folder);
    return found === undefined ? artifact : { ...artifact, tables: found.set };
  };
  return { name, current: changed(current), ...(previous && { previous: changed(previous) }) };
}

/** Exchanges the artifact of a name with the previous one. */
export const rolledBack = (served: readonly ServedModel[], name: string): ServedModel[] =>
  served.map((model) =>
    model.name === name && model.previous !== undefined
      ? { name, current: model.previous, previous: model.current }
      : model,
  );

const shown = ({ id, source, created }: StoredArtifact): ModelState['current'] => ({ id, path: source, created });

/** A model as the admin routes show it. */
export const stateOf = ({ name, current, previous }: ServedModel): ModelState => ({
  name,
  current: shown(current),
  ...(previous && { previous: shown(previous) }),
});
