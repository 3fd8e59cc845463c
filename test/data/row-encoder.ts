/** The row encoder of a prepared data set: what an artifact's encoder must agree with. */
import { createRowEncoder, type RowEncoder } from '../../src/data/encode/encoder.ts';
import type { RateTable } from '../../src/data/encode/rates.ts';
import type { PreparedData } from '../../src/data/prepared/prepared.ts';

export async function openRowEncoder(data: PreparedData): Promise<RowEncoder> {
  const { config, fields, sequences } = data.manifest;
  const tokens = new Map<string, string[]>();
  const tables = new Map<string, RateTable>();
  for (const { name, rates } of fields) {
    tokens.set(name, await data.tokens(name));
    if (rates !== undefined) tables.set(name, await data.rates(name));
  }
  return createRowEncoder({
    config,
    fields,
    sequences,
    tokens: (field) => tokens.get(field) ?? [],
    rates: (field) => tables.get(field) as RateTable,
  });
}
