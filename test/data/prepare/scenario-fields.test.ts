import { expect, test } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { scenarioFields } from '../../../src/data/expressions/scenario-fields.ts';
import { dataset } from '../support.ts';

const of = (scenario: string, ...fields: DatasetInput['fields']) =>
  scenarioFields(
    dataset({
      name: 't',
      sources: { log: { path: 'log.csv' } },
      fields,
      scenario: { expression: scenario, values: [0, 1], names: ['home', 'search'] },
      tasks: [{ name: 'click', label: 'click' }],
    }),
  );

test('a categorical field with the expression of the scenario is the scenario', () => {
  const found = { names: ['place'], values: ['0', '1'] };
  expect(of('place', { name: 'place', kind: 'categorical' })).toEqual(found);
  expect(of('"Place" ', { name: 'place', kind: 'categorical', hash: 9 })).toEqual(found);
  expect(of('log.place', { name: 'place', kind: 'categorical', expression: '"log"."place"' })).toEqual(found);
  expect(of('a % 2', { name: 'place', kind: 'categorical', expression: 'a % 2' })).toEqual(found);
  expect(
    of('place', { name: 'a', kind: 'categorical', expression: 'place' }, { name: 'place', kind: 'categorical' }),
  ).toEqual({ names: ['a', 'place'], values: ['0', '1'] });
});

test('others are not: other kinds, other expressions', () => {
  for (const field of [
    { name: 'place', kind: 'numeric' },
    { name: 'place', kind: 'multi' },
    { name: 'place', kind: 'categorical', expression: 'lower(place)' },
    { name: 'place', kind: 'categorical', expression: "'place'" },
    { name: 'place', kind: 'categorical', expression: 'log.place' },
  ] as const)
    expect(of('place', field)).toBeUndefined();
});
