/** Parts of a row: the embeddings of fields that options name, and their products. */
import { nearest } from '../../base/nearest.ts';
import { add, concat, elements, gather, matmul, reshape, slice, type Tensor, transpose } from '../../graph/index.ts';
import type { CommonOptions, ModelSizes, Problem } from '../contract.ts';

/** Fields, or groups of fields, whose pairs are multiplied at most: their number grows with the square. */
const MAX_PAIRED = 40;

/** Products of `fields` fields. */
function pairCount(fields: number): number {
  const paired = Math.min(fields, MAX_PAIRED);
  return (paired * (paired - 1)) / 2;
}

/** Numbers that models read of a row: F*D of its embeddings and, if the options ask for `pairs`, their products. */
export const inputWidth = ({ embeddingDim, pairs }: CommonOptions, { fields }: Pick<ModelSizes, 'fields'>): number =>
  fields * embeddingDim + (pairs ? pairCount(fields) : 0);

/**
 * Inner products of all pairs of field embeddings (Qu et al., PNN, ICDM 2016): [..., F*D] -> [..., F(F-1)/2]. Neighbours come first, then
 * fields two apart, and so on. Of more than 40 fields, field i is added to group i mod 40 first, and the groups are multiplied.
 *
 * One product of matrices gives each pair twice and the squares, of which the columns of pairs are taken: a product of vectors for
 * each distance takes several times as long in training, most of it in moving gradients of slices.
 */
function pairProducts(embedding: Tensor, fields: number, dimension: number): Tensor {
  const e = grouped(embedding, fields, dimension);
  const lead = e.shape.slice(0, -1);
  const rows = elements(lead);
  const count = Math.min(fields, MAX_PAIRED);
  const v = reshape(e, [rows, count, dimension]);
  const all = reshape(matmul(v, v, { transposeB: true }), [rows, count * count]);
  const columns: number[] = [];
  for (let apart = 1; apart < count; apart++)
    for (let i = 0; i + apart < count; i++) columns.push(i * count + i + apart);
  const picked = gather(transpose(all, [1, 0]), e.graph.constant(columns, [columns.length], 'int32')); // [P,rows]
  return reshape(transpose(picked, [1, 0]), [...lead, columns.length]);
}

/** What models read of `fields` embeddings next to each other: the embeddings and, if the options ask for `pairs`, their products. */
export const withPairs = (embedding: Tensor, fields: number, { embeddingDim, pairs }: CommonOptions): Tensor =>
  pairs && fields > 1 ? concat([embedding, pairProducts(embedding, fields, embeddingDim)], -1) : embedding;

/** The embeddings of at most `MAX_PAIRED` groups of fields. */
function grouped(embedding: Tensor, fields: number, dimension: number): Tensor {
  const whole = MAX_PAIRED * dimension;
  const parts: Tensor[] = [];
  for (let from = 0; from < fields * dimension; from += whole)
    parts.push(slice(embedding, -1, from, Math.min(from + whole, fields * dimension)));
  return parts.reduce((sum, part) => {
    const width = part.shape.at(-1) as number;
    if (width === whole) return add(sum, part);
    return concat([add(slice(sum, -1, 0, width), part), slice(sum, -1, width, whole)], -1);
  });
}

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
