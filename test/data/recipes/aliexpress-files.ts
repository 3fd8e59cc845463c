/**
 * Files of exactly the layout in which MTReclib keeps the AliExpress searches: a header line, search_id, 16 categorical and
 * 63 numeric features, click and conversion; searches numbered anew in every file. Run by itself:
 * `node_modules/.bin/jiti test/data/recipes/aliexpress-files.ts FOLDER ROWS`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { execute, openDuckDB } from '../../../src/data/sql/duckdb.ts';
import { literal } from '../../../src/data/sql/text.ts';
import { EVERYWHERE } from '../support.ts';

const below = (n: number, salt: string): string => `(hash(i, ${literal(salt)}) % ${n})::BIGINT`;
/** Different values of the 16 categorical features of the Netherlands, roughly. */
const CATEGORIES = [9, 1, 2, 3, 9, 5, 32, 185, 4, 2, 2, 2, 2, 2, 2, 2];

/** Writes `AliExpress_NL/train.csv` and so on: `rows` lines for training and half as many for test in every country. */
export async function writeAliExpress(folder: string, rows: number, countries = ['NL', 'ES', 'FR', 'US']) {
  const { connection, close } = await openDuckDB(EVERYWHERE);
  try {
    for (const country of countries) {
      mkdirSync(join(folder, `AliExpress_${country}`), { recursive: true });
      for (const [part, lines] of Object.entries({ train: rows, test: Math.ceil(rows / 2) })) {
        const salt = (name: string): string => `${country} ${part} ${name}`;
        const columns = [
          '3 + i // 10 AS search_id',
          ...CATEGORIES.map((n, c) => `${below(n, salt(`c${c}`))} AS categorical_${c + 1}`),
          // Five decimals, whole zeros and ones among them; some columns are always 0, as three of the published ones.
          ...Array.from({ length: 63 }, (_, c) => {
            const value = `greatest(0, least(1, ${below(140_000, salt(`n${c}`))} / 1e5 - 0.2))`;
            return `${c >= 57 && c < 60 ? '0' : `round(${value}, 5)`} AS numerical_${c + 1}`;
          }),
          `(${below(100, salt('click'))} < 20)::INTEGER AS click`,
          `(click = 1 AND ${below(100, salt('buy'))} < 10)::INTEGER AS conversion`,
        ];
        const path = join(folder, `AliExpress_${country}`, `${part}.csv`);
        await execute(
          connection,
          `COPY (SELECT ${columns.join(', ')} FROM range(${lines}) AS t(i)) TO ${literal(path)} (FORMAT csv, HEADER)`,
          `writing ${path}`,
        );
      }
    }
  } finally {
    close();
  }
}

if (process.argv[1] === import.meta.filename) await writeAliExpress(process.argv[2], Number(process.argv[3]));
