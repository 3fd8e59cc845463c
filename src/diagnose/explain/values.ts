/** Values of the fields of a request's rows, as they were used. */
import type { Item, Values } from '../../serve/ranker/contract.ts';
import type { OpenedRequest } from '../../serve/ranker/ranker-contract.ts';
import { scenarioValuesOf } from '../../serve/ranker/rows.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';

type Data = ArtifactManifest['data'];

const LENGTH = 80;

/** The value of a part (`encoder.parts`) in a row, as text; null where there is none. Later places override earlier ones. */
export function valuesOf(opened: OpenedRequest, data: Data): (row: number, part: number) => string | null {
  const { request, encoded, encoder } = opened;
  const { user = {}, context = {}, scenario, items } = request;
  const { sequences, ...ofUser } = user;
  const shared: Values = {
    ...encoded.fromTables?.shared(),
    ...scenarioValuesOf(data).get(scenario),
    ...(data.sequences === undefined ? user : ofUser),
    ...context,
  };
  const hasIdField = data.fields.some(({ name }) => name === 'id');
  const own = ({ id: _, fields, ...item }: Item): Values =>
    hasIdField ? { ...item, ...(fields as Values | undefined) } : { ...item, ...(fields !== undefined && { fields }) };
  return (row, part) => {
    if (part === data.fields.length) return written(sequences);
    const name = encoder.parts[part];
    for (const values of [own(items[row]), encoded.fromTables?.ofItem(row) ?? {}, shared])
      if (Object.hasOwn(values, name)) return written(values[name]);
    return null;
  };
}

function written(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const characters = [...text.slice(0, 2 * LENGTH)];
  return characters.length <= LENGTH ? text : `${characters.slice(0, LENGTH - 1).join('')}…`;
}

/** Has the row nothing that the model knows of this part? */
export function isUnknown({ encoded, encoder }: OpenedRequest, row: number, part: number): boolean {
  const unknown = encoder.without(encoded, row, [[part]]);
  const slots = unknown.ids.length;
  const isSame = (a: Int32Array, b: Int32Array): boolean => a.every((id, i) => id === b[i]);
  const ids = encoded.ids.subarray(row * slots, (row + 1) * slots);
  if (encoded.sequences === undefined || unknown.sequences === undefined) return isSame(ids, unknown.ids);
  const size = unknown.sequences.length;
  return (
    isSame(ids, unknown.ids) && isSame(encoded.sequences.subarray(row * size, (row + 1) * size), unknown.sequences)
  );
}
