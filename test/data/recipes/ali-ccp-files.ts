/**
 * Files of exactly the layout in which Ali-CCP is published, filled by chance from a seed: no header lines, six columns of
 * samples and three of common features, lists of features with \x01 between features, \x02 after the field, \x03 before
 * the value. Run by itself: `node_modules/.bin/jiti test/data/recipes/ali-ccp-files.ts FOLDER ROWS`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, execute, openDuckDB } from '../../../src/data/sql/duckdb.ts';
import { literal } from '../../../src/data/sql/text.ts';
import { EVERYWHERE } from '../support.ts';

export interface AliCcpFiles {
  /** Of each of the two sample files. */
  rows: number;
  /** Lines of each of the two files of common features. */
  commons: number;
  /** Values of the multi-value fields of a user, on average. */
  behaviours: number;
}

const below = (n: number, salt: string): string => `(hash(i, ${literal(salt)}) % ${n})::BIGINT`;

/** Feature ids are numbered over all fields: every field has a range of its own. */
const feature = (field: string, first: number, ids: string, value = '1.0'): string =>
  `'${field}' || chr(2) || (${first} + ${ids}) || chr(3) || '${value}'`;

const several = (field: string, first: number, n: number, count: string, value: string): string =>
  `list_transform(range(${count}), lambda k: '${field}' || chr(2) || (${first} + (hash(i, k, '${field}') % ${n})::BIGINT) || chr(3) || '${value}')`;

/** The three positions that field 301 tells apart. */
export const POSITIONS = [9351665, 9351666, 9351667];

const sampleFeatures = (salt: string): string => {
  const rare = (field: string, first: number, n: number, missing: number, value: string): string =>
    `CASE WHEN ${below(100, `${field} missing`)} >= ${missing} THEN ${feature(field, first, below(n, `${field}${salt}`), value)} END`;
  const one = [
    rare('216', 9_300_000, 40, 5, '1.0'),
    feature('301', POSITIONS[0], `[0, 0, 0, 1, 1, 2][1 + ${below(6, '301')}]`),
    feature('205', 4_000_000, below(200, '205')),
    feature('206', 8_300_000, below(20, '206')),
    feature('207', 8_900_000, below(50, '207')),
    rare('508', 9_355_000, 60, 60, '2.30259'),
    rare('509', 9_400_000, 60, 80, '0.69315'),
    rare('702', 9_500_000, 60, 80, '1.38629'),
  ];
  const list = `[${one.join(', ')}] || ${several('210', 9_050_000, 30, below(6, '210s'), '1.0')} || ${several('853', 9_600_000, 30, below(3, '853s'), '2.83321')}`;
  return `list_filter(${list}, lambda f: f IS NOT NULL)`;
};

const userFeatures = (behaviours: number, part: string): string => {
  const one = [
    feature('101', 0, below(60, `101 ${part}`)),
    feature('121', 3_438_000, below(98, '121')),
    feature('122', 3_438_600, below(14, '122')),
    feature('124', 3_438_700, below(2, '124')),
    `CASE WHEN ${below(10, '125 missing')} > 0 THEN ${feature('125', 3_438_710, below(7, '125'))} END`,
    `CASE WHEN ${below(10, '126 missing')} > 3 THEN ${feature('126', 3_438_720, below(3, '126'))} END`,
    `CASE WHEN ${below(10, '127 missing')} > 5 THEN ${feature('127', 3_438_730, below(3, '127'))} END`,
    feature('128', 3_438_740, below(2, '128')),
    `CASE WHEN ${below(10, '129 missing')} > 2 THEN ${feature('129', 3_438_750, below(4, '129'))} END`,
  ];
  const lists = [
    ['109_14', 450_000, 40, '2.56495'],
    ['110_14', 500_000, 60, '0.69315'],
    ['127_14', 3_500_000, 60, '2.3979'],
    ['150_14', 3_900_000, 80, '0.28343'],
  ] as const;
  const many = lists.map(([field, first, n, value]) =>
    several(field, first, n, below(Math.max(1, Math.round(behaviours / 2)), `${field} n`), value),
  );
  return `list_filter(${[...many, `[${one.join(', ')}]`].join(' || ')}, lambda f: f IS NOT NULL)`;
};

/** Writes the four files into `folder`. Every 97th sample has a conversion without a click, as some published ones do. */
export async function writeAliCcp(folder: string, { rows, commons, behaviours }: AliCcpFiles): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const database = await openDuckDB(EVERYWHERE);
  try {
    for (const part of ['train', 'test']) {
      const click = `(i % 97 <> 5 AND ${below(100, `click ${part}`)} < 25)`;
      const conversion = `(i % 97 = 5 OR (${click} AND ${below(100, `buy ${part}`)} < 20))`;
      await write(database, join(folder, `sample_skeleton_${part}.csv`), rows, [
        'i + 1',
        `${click}::INTEGER`,
        `${conversion}::INTEGER`,
        `substr(md5((${below(commons, `common ${part}`)})::VARCHAR), 1, 16)`,
        ...counted(sampleFeatures(part)),
      ]);
      await write(database, join(folder, `common_features_${part}.csv`), commons, [
        'substr(md5(i::VARCHAR), 1, 16)',
        ...counted(userFeatures(behaviours, part)),
      ]);
    }
  } finally {
    database.close();
  }
}

/** A list of features as the two columns of a file: how many, and their text. */
const counted = (features: string): string[] => [`len(${features})`, `array_to_string(${features}, chr(1))`];

const write = ({ connection }: Database, path: string, lines: number, columns: string[]): Promise<void> =>
  execute(
    connection,
    `COPY (SELECT ${columns.join(', ')} FROM range(${lines}) AS t(i)) TO ${literal(path)} (FORMAT csv, HEADER false, QUOTE '')`,
    `writing ${path}`,
  );

if (process.argv[1] === import.meta.filename) {
  const rows = Number(process.argv[3]);
  await writeAliCcp(process.argv[2], { rows, commons: Math.ceil(rows / 58), behaviours: 500 });
}
