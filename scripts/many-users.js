/** Rows with the hashed ids of many users, for the studies of large tables in this folder. */
import { DuckDBInstance } from '@duckdb/node-api';

/** Some 1.5 users for each row of a table of `table` rows, most of them seldom seen. Writes a Parquet file. */
export async function writeManyUsers(file, { table, rows }) {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run("SET memory_limit = '1GB'");
  await connection.run('SET threads = 1');
  await connection.run(
    `COPY (SELECT i AS seen_at, u AS "user", (hash(u, i) % 100000)::INTEGER AS item, (hash(i, 2) % 2)::INTEGER AS place,
       (hash(i, 3) % 1000 < 150 + 300 * (hash(u, 4) % 2) + 200 * (hash(i, 2) % 2))::INTEGER AS click
       FROM (SELECT i, floor(${1.5 * table} * pow((hash(i, 1) % 1000003) / 1000003.0 + (hash(i, 5) % 1009) / 1.01e9, 2))::BIGINT AS u
         FROM range(${rows}) AS r(i))) TO '${file}' (FORMAT parquet, ROW_GROUP_SIZE 122880)`,
  );
  connection.closeSync();
}

/** The configuration of a data set of such rows, which lie in `path`. */
export const manyUsersConfig = (path, table) => ({
  name: 'many-users',
  sources: { log: { path } },
  fields: [
    { name: 'user', kind: 'categorical', hash: table },
    { name: 'item', kind: 'categorical' },
    { name: 'place', kind: 'categorical' },
  ],
  scenario: { expression: 'place', values: [0, 1], names: ['feed', 'search'] },
  tasks: [{ name: 'click', label: 'click' }],
  split: { kind: 'time', column: 'seen_at' },
});

/** A small model: the table is what costs. */
export const SMALL_MODEL = [
  '--model',
  'shared-bottom',
  '--set',
  'model.bottomDims=[64]',
  '--set',
  'model.towerDims=[32]',
];
