/** Requests for a service under load, drawn from an artifact. */
import { random } from '../base/random.ts';
import type { Artifact } from '../store/artifact/open.ts';

/**
 * Bodies with tokens of the vocabularies. An artifact does not say which fields belong to items: the second half of the fields
 * is given with every item, the first half once.
 */
export function drawBodies({ manifest, encoder }: Artifact, items: number, count: number): string[] {
  const { scenarios, sequences } = manifest.data;
  const { fields, once } = fieldsOf(manifest);
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
export function unitOf({ manifest, encoder }: Artifact): string {
  const { once } = fieldsOf(manifest);
  const count = ({ name }: { name: string }): number => encoder.tokens(name).length;
  return once.reduce((best, field) => (count(field) > count(best) ? field : best)).name;
}

/** All fields, and those given once: the first half. */
function fieldsOf({ data }: Artifact['manifest']) {
  // The id of an item is not the field of that name, which is given with the user.
  const fields = data.fields.toSorted((a, b) => Number(b.name === 'id') - Number(a.name === 'id'));
  return { fields, once: fields.slice(0, Math.ceil(fields.length / 2)) };
}
