/** Metrics of the tables of features in a process. */
import type { RankerTable, RankerTables } from '../features/tables.ts';
import { type Family, family, type Series } from './metrics.ts';

interface WithTables {
  label: string;
  tables(): RankerTables | undefined;
}

/** None where no ranker has tables. Tables that several rankers share count once. */
export function tableFamilies(rankers: readonly WithTables[]): Family[] {
  const used = rankers.flatMap((ranker) => {
    const tables = ranker.tables();
    return tables === undefined ? [] : [{ label: ranker.label, tables }];
  });
  if (used.length === 0) return [];
  // An artifact may be kept for a rollback to itself.
  const named = used.filter(({ label }, i) => used.findIndex((each) => each.label === label) === i);
  const lookups = named.flatMap(({ label, tables: { tables } }) =>
    tables.flatMap((table) => lookupSeries(label, table)),
  );
  return [
    {
      ...family('tributary_feature_rows', 'Rows of a table of features.', 'gauge', byTable(used, rowsOf)),
      over: 'max',
    },
    family(
      'tributary_feature_bytes',
      'Memory of the tables of features, over all processes.',
      'gauge',
      byTable(used, bytesOf),
    ),
    {
      ...family('tributary_feature_age_seconds', 'Time since a table was read.', 'gauge', byTable(used, ageOf)),
      over: 'max',
    },
    family(
      'tributary_feature_lookups_total',
      'Ids of users and items in requests: found in the table, missing from it, or not sent (none).',
      'counter',
      lookups,
    ),
  ];
}

type Used = { label: string; tables: RankerTables };
type Numbers = (tables: { table: RankerTable; built: number }[]) => number;

const rowsOf: Numbers = (tables) => Math.max(...tables.map(({ table }) => table.data.rows));

/** Each file once, and the ids of each model. */
const bytesOf: Numbers = (tables) => {
  const files = new Set(tables.map(({ table }) => table.data));
  const ids = new Set(tables.flatMap(({ table }) => table.columns.map((column) => column.ids)));
  const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
  return sum([...files].map(({ bytes }) => bytes)) + sum([...ids].map(({ byteLength }) => byteLength));
};

const ageOf: Numbers = (tables) => (Date.now() - Math.min(...tables.map(({ built }) => built))) / 1000;

function byTable(used: readonly Used[], numberOf: Numbers): Series[] {
  const all = used.flatMap(({ tables }) => tables.tables.map((table) => ({ table, built: tables.set.built })));
  const names = [...new Set(all.map(({ table }) => table.info.name))];
  return names.map((name) => ({
    labels: { table: name },
    values: [numberOf(all.filter(({ table }) => table.info.name === name))],
  }));
}

const lookupSeries = (model: string, { info, counts }: RankerTable): Series[] =>
  Object.entries(counts).map(([outcome, count]) => ({
    labels: { model, table: info.name, outcome },
    values: [count],
  }));
