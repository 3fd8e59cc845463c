/** Parts of a row: the embeddings of fields that options name. */
import { nearest } from '../../base/nearest.ts';
import { concat, slice, type Tensor } from '../../graph/index.ts';
import type { CommonOptions, ModelSizes, Problem } from '../contract.ts';

/** Numbers of a row's embeddings: F*D. */
export const inputWidth = ({ embeddingDim }: CommonOptions, { fields }: ModelSizes): number => fields * embeddingDim;

/** Indices of the named fields in the order of the data, each once; of all fields where no names are given. */
export function fieldIndices(names: readonly string[], { fields, fieldNames = [] }: ModelSizes): number[] {
  const unknown = names.filter((name) => !fieldNames.includes(name));
  if (unknown.length > 0) throw new Error(`no fields ${unknown.join(', ')}: the model's problems name them first`);
  return Array.from({ length: fields }, (_, i) => i).filter((i) => names.length === 0 || names.includes(fieldNames[i]));
}

/** Names that the data do not have, as problems of the option at `path`. */
export const fieldProblems = (path: string, names: readonly string[], { fieldNames = [] }: ModelSizes): Problem[] =>
  names.flatMap((name, i) => {
    if (fieldNames.includes(name)) return [];
    const meant = nearest(name, fieldNames);
    const hint = meant === undefined ? 'the data name no fields' : `the nearest is "${meant}"`;
    return [{ path: `${path}.${i}`, message: `there is no field "${name}"; ${hint}` }];
  });

/** The embeddings of some fields, side by side: [B, F*D] -> [B, n*D]. `indices` rise. */
export function fieldsOf(embedding: Tensor, indices: readonly number[], dimension: number): Tensor {
  // Neighbours are one slice.
  const runs: { from: number; to: number }[] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last?.to === index) last.to++;
    else runs.push({ from: index, to: index + 1 });
  }
  return concat(
    runs.map(({ from, to }) => slice(embedding, 1, from * dimension, to * dimension)),
    1,
  ); // [B,n*D]
}
