/** What is shuffled: fields, sequences and groups of them, each as a whole. */
import { error } from '../../base/errors/index.ts';
import { nearest } from '../../base/nearest.ts';
import { firstSlots } from '../../data/encode/ids.ts';
import type { Manifest } from '../../data/prepared/prepared.ts';

/** Consecutive places of a row's ids, or of its sequences. */
interface Places {
  of: 'ids' | 'sequences';
  first: number;
  count: number;
}

export interface Feature {
  name: string;
  kind: 'field' | 'sequence' | 'group';
  members: string[];
  places: Places[];
}

export interface WantedFeatures {
  /** Names of fields and sequences. Default: all that are in no group. */
  fields?: readonly string[];
  groups?: readonly { name: string; members: readonly string[] }[];
}

/** @throws IMPORTANCE_FIELDS naming what there is no field of, and names that are taken */
export function chooseFeatures(manifest: Manifest, { fields, groups = [] }: WantedFeatures): Feature[] {
  const single = singleFeatures(manifest);
  const grouped = new Set(groups.flatMap(({ members }) => members));
  const wanted = fields ?? [...single.keys()].filter((name) => !grouped.has(name));
  const problems = [...new Set([...wanted, ...grouped])]
    .filter((name) => !single.has(name))
    .map((name) => `there is no field "${name}": the nearest is "${nearest(name, single.keys())}"`);
  const names = [...groups.map(({ name }) => name), ...wanted];
  for (const name of new Set(names.filter((one, i) => names.indexOf(one) !== i)))
    problems.push(`"${name}" is named twice`);
  if (problems.length > 0) throw error('IMPORTANCE_FIELDS', { data: manifest.name, problems });
  const placesOf = (name: string): Places[] => single.get(name)?.places ?? [];
  return [
    ...groups.map(
      ({ name, members }): Feature => ({
        name,
        kind: 'group',
        members: [...members],
        places: members.flatMap(placesOf),
      }),
    ),
    ...wanted.flatMap((name) => single.get(name) ?? []),
  ];
}

/** Fields, and sequences by the name of their column. */
function singleFeatures({ fields, sequences }: Manifest): Map<string, Feature> {
  const first = firstSlots(fields);
  const { types, length } = sequences ?? { types: [], length: 0 };
  return new Map([
    ...fields.map(({ name, slots }, i): [string, Feature] => [
      name,
      { name, kind: 'field', members: [name], places: [{ of: 'ids', first: first[i], count: slots }] },
    ]),
    ...types.map((type, i): [string, Feature] => {
      const name = `sequence_${type}`;
      const places: Places[] = [{ of: 'sequences', first: i * length, count: length }];
      return [name, { name, kind: 'sequence', members: [name], places }];
    }),
  ]);
}
