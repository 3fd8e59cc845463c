/** Requests for a service under load, drawn from an artifact. */
import { error } from '../base/errors/index.ts';
import { nearest } from '../base/nearest.ts';
import { random } from '../base/random.ts';
import type { Artifact } from '../store/artifact/open.ts';

/**
 * Bodies with tokens of the vocabularies. An artifact does not say which fields belong to items: the second half of the fields
 * is given with every item, the first half once.
 *
 * @param leaveOut fields that the service looks up
 * @throws USAGE where requests have no such field
 */
export function drawBodies(
  { manifest, encoder }: Artifact,
  items: number,
  count: number,
  leaveOut: readonly string[] = [],
): string[] {
  const { scenarios, sequences } = manifest.data;
  const { fields, once } = fieldsOf(manifest, leaveOut);
  const generator = random('requests', 1, items);
  const tokens = new Map(fields.map(({ name }) => [name, encoder.tokens(name).slice(2)]));
  const value = (name: string): string => {
    const known = tokens.get(name) ?? [];
    return known.length === 0 ? String(generator.below(1000)) : known[generator.below(known.length)];
  };
  const values = (chosen: readonly { name: string }[]): Record<string, string> =>
    Object.fromEntries(chosen.map(({ name }) => [name, value(name)]));
  const histories = sequences && {
    sequences: Object.fromEntries(
      sequences.types.map((type) => [type, Array.from({ length: sequences.length }, () => value(sequences.itemField))]),
    ),
  };
  return Array.from({ length: count }, () =>
    JSON.stringify({
      scenario: scenarios[generator.below(scenarios.length)],
      user: { ...values(once), ...histories },
      items: Array.from({ length: items }, (_, id) => ({ id, ...values(fields.slice(once.length)) })),
    }),
  );
}

/** The field of drawn bodies that is given once and has most values: a unit for experiments. */
export function unitOf({ manifest, encoder }: Artifact, leaveOut: readonly string[] = []): string {
  const { once } = fieldsOf(manifest, leaveOut);
  const count = ({ name }: { name: string }): number => encoder.tokens(name).length;
  return once.reduce((best, field) => (count(field) > count(best) ? field : best)).name;
}

/** All fields that are sent, and those given once: the first half. */
function fieldsOf({ data }: Artifact['manifest'], leaveOut: readonly string[]) {
  const known = data.fields.filter(({ kind }) => kind !== 'rate'); // these follow from others
  for (const name of leaveOut) checkField(name, known);
  const sent = known.filter(({ name }) => !leaveOut.includes(name));
  // The id of an item is not the field of that name, which is given with the user.
  const fields = sent.toSorted((a, b) => Number(b.name === 'id') - Number(a.name === 'id'));
  return { fields, once: fields.slice(0, Math.ceil(fields.length / 2)) };
}

function checkField(name: string, fields: readonly { name: string }[]): void {
  const names = fields.map((field) => field.name);
  if (names.includes(name)) return;
  const problem = `--leave-out ${name}: requests have no such field; the nearest is "${nearest(name, names)}"`;
  throw error('USAGE', { problem, command: 'tributary bench serve' });
}
