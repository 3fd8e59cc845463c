/** Rates are counted anew from joined rows: rows have no column of theirs, and the written configuration names them. */
import { expect, test } from 'vitest';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { joinSchema } from '../../../src/config/join.ts';
import { datasetOf } from '../../../src/loop/join/dataset.ts';
import { planJoin, readServedModel } from '../../../src/loop/join/plan.ts';
import { artifact } from '../../serve/support.ts';
import { CONFIG } from './logs.ts';

const rate = { name: 'by_user', kind: 'rate', of: ['user'], task: 'click', from: 'earlier' };

function served() {
  const model = readServedModel(artifact().folder);
  const { tableRows, fields } = model.data;
  const made = {
    name: rate.name,
    kind: 'rate' as const,
    offset: tableRows,
    size: 9,
    slots: 1,
    pooling: 'mean' as const,
  };
  const field = { ...made, rates: { of: rate.of, unknown: 2 }, config: rate };
  return { ...model, data: { ...model.data, fields: [field, ...fields] } };
}

test('the configuration has the rate at its place, rows have its fields', () => {
  const names = served().data.fields.map(({ name }) => name);
  for (const [split, from] of [
    [{ kind: 'time', column: 'log_time' }, 'earlier'],
    [{ kind: 'random' }, undefined],
  ] as const) {
    const config = joinSchema.parse({ ...CONFIG, artifact: 'a', split });
    const plan = planJoin(config, served(), 'join.yaml');
    expect(plan.fields.map(({ config: field }) => field.name)).toEqual(names.slice(1));
    const dataset = datasetSchema.parse(
      datasetOf(plan, { '2026-01-01': { rows: 1, units: 0, generation: 1 } as never }),
    );
    expect(dataset.fields.map(({ name }) => name)).toEqual(names);
    expect('from' in dataset.fields[0] ? dataset.fields[0].from : undefined).toBe(from);
  }
});

test('a field whose rate is kept cannot be left out', () => {
  const leave = (leaveOut: string[]) => () =>
    planJoin(joinSchema.parse({ ...CONFIG, artifact: 'a', leaveOut }), served(), 'join.yaml');
  expect(leave(['user'])).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('"by_user" is a rate of "user"'),
    }),
  );
  expect(leave(['user', 'by_user'])).not.toThrow();
});
