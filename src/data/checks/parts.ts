/** The parts of the split: has each scenario rows in all of them, and each task positives? */
import { TributaryError } from '../../base/errors/index.ts';
import { checkedValue } from '../expressions/check.ts';
import { taskUse } from '../expressions/places.ts';
import { labelValue, scenarioIndex, splitKey } from '../prepare/row-values.ts';
import { bordersSql, PART_BY_BORDERS, randomSplit } from '../prepare/split.ts';
import { SPLITS } from '../prepared/prepared.ts';
import { rowColumn } from '../sources/joined.ts';
import { execute, query } from '../sql/duckdb.ts';
import { registerLookup } from '../sql/functions.ts';
import { isTextTime } from '../sql/times.ts';
import { type Check, scenarioName } from './check.ts';
import type { Context } from './context.ts';
import { number, type Problem } from './finding.ts';

/** Of more positives than this, chance leaves none out of a part. */
const ENOUGH = 200;
/** Parts of more rows are not drawn here: the draw needs all row numbers in memory. */
const MOST_DRAWN = 20_000_000;

interface Counts {
  rows: number;
  /** By task. */
  positives: number[];
}

export const parts: Check = {
  name: 'parts',
  pass: () => 'every scenario has rows, and every task positives, in train, validation and test',
  async run(context) {
    const counts = await countParts(context); // [part][scenario]
    if (counts === undefined) return [];
    return [...scenarioProblems(context, counts), ...taskProblems(context, counts)];
  },
};

function scenarioProblems({ config, cells }: Context, counts: Counts[][]): Problem[] {
  return cells.flatMap(({ rows }, s): Problem[] => {
    const inParts = counts.map((part) => part[s].rows);
    if (rows === 0 || inParts.every((n) => n > 0)) return [];
    const consequence = inParts[0] === 0 ? 'nothing is learned of it' : 'it is not measured there';
    return [
      {
        level: inParts[0] === 0 ? 'fail' : 'warn',
        message: `scenario "${scenarioName(config, s)}" has ${shown(inParts, 'rows')}: ${consequence}`,
        about: { scenario: s },
      },
    ];
  });
}

function taskProblems({ config, cells }: Context, counts: Counts[][]): Problem[] {
  return config.tasks.flatMap(({ name }, t): Problem[] => {
    const all = counts.map((part) => part.reduce((sum, of) => sum + of.positives[t], 0));
    if (all.some((n) => n > 0) && all.some((n) => n === 0))
      return [
        {
          level: all[0] === 0 ? 'fail' : 'warn',
          message: `task "${name}" has ${shown(all, 'positives')}`,
          about: { task: name },
        },
      ];
    return cells.flatMap((cell, s): Problem[] => {
      const own = counts.map((part) => part[s].positives[t]);
      // Scenarios without rows in a part are reported above.
      const lacks = own.some((n, part) => n === 0 && counts[part][s].rows > 0);
      if (cell.tasks[t].positives === 0 || !lacks) return [];
      const message = `scenario "${scenarioName(config, s)}", task "${name}": ${shown(own, 'positives')}`;
      return [{ level: 'warn', message, about: { scenario: s, task: name } }];
    });
  });
}

const shown = (byPart: number[], what: string): string =>
  `${byPart.map((n, i) => `${number(n)} ${SPLITS[i]}`).join(', ')} ${what}`;

/** [part][scenario]; undefined where rows have no part, which other checks report. */
async function countParts(context: Context): Promise<Counts[][] | undefined> {
  const { config } = context;
  if (config.split.kind === 'random' && !needsDraw(context)) return undefined;
  try {
    return await countPlaced(context, await placedRows(context));
  } catch (cause) {
    if (cause instanceof TributaryError && ['DATA_EXPRESSION_INVALID', 'DATA_TIME_TEXT'].includes(cause.code))
      return undefined;
    throw cause;
  }
}

/** A random split puts some of everything into each part unless there is very little of it. */
const needsDraw = ({ cells, rows, config }: Context): boolean =>
  rows <= MOST_DRAWN &&
  config.groupRowsBy.length === 0 &&
  cells.some((cell) => cell.rows < ENOUGH || cell.tasks.some(({ positives }) => positives < ENOUGH));

async function countPlaced({ connection, config }: Context, placed: string): Promise<Counts[][]> {
  const positives = config.tasks.map((_, t) => `count(*) FILTER (l${t} = 1) AS p${t}`);
  const found = await query(
    connection,
    `SELECT part, scenario, count(*) AS n, ${positives.join(', ')} FROM (${placed}) WHERE scenario >= 0 GROUP BY part, scenario`,
    'looking at the parts',
  );
  return SPLITS.map((_, part) =>
    config.scenario.values.map((_, s) => {
      const row = found.find((of) => Number(of.part) === part && Number(of.scenario) === s);
      return { rows: Number(row?.n ?? 0), positives: config.tasks.map((_, t) => Number(row?.[`p${t}`] ?? 0)) };
    }),
  );
}

let draws = 0;

/** SQL of the rows with their `part`, scenario and labels, as `prepare` places them. */
async function placedRows(context: Context): Promise<string> {
  const { connection, config, sources, values } = context;
  const { split } = config;
  const key = await partKey(context);
  const columns = [
    `${scenarioIndex(config, values)} AS scenario`,
    ...config.tasks.map((task, t) => `${labelValue(checkedValue(values, taskUse(task)))} AS l${t}`),
    ...(key === undefined ? [] : [`${key} AS split_key`]),
  ];
  const chosen = `scenario IS NOT NULL${key === undefined ? '' : ' AND split_key IS NOT NULL'}`;
  const rows = `SELECT * FROM (SELECT ${columns.join(', ')} FROM ${context.from()}) WHERE ${chosen}`;
  if (split.kind === 'key' || split.kind === 'column') return `SELECT *, split_key AS part FROM (${rows})`;
  const [{ n }] = await query(connection, `SELECT count(*) AS n FROM (${rows})`, 'looking at the parts');
  if (split.kind === 'time') {
    const borders = `CREATE OR REPLACE TEMP TABLE borders AS ${bordersSql(`(${rows})`, split.ratios, Number(n))}`;
    await execute(connection, borders, 'looking at the parts');
    return `SELECT *, ${PART_BY_BORDERS} AS part FROM (${rows})`;
  }
  const { places, train, validation } = randomSplit(Number(n), split.ratios, split.seed);
  const drawn = places.map((place) => (place < train ? 0 : place < train + validation ? 1 : 2));
  const part = `tributary_part_${draws++}`; // a connection keeps its functions
  await registerLookup(connection, part, drawn);
  const numbered = `SELECT ${columns.join(', ')}, ${rowColumn(sources)} AS row FROM ${context.from({ rowNumbers: true })}`;
  const placed = `SELECT *, row_number() OVER (ORDER BY row) - 1 AS place FROM (${numbered}) WHERE ${chosen}`;
  return `SELECT *, ${part}(place::DOUBLE) AS part FROM (${placed})`;
}

/** SQL of what decides a row's part: a text as the time that it says. Throws DATA_TIME_TEXT. */
async function partKey({ config, values, textTimes }: Context): Promise<string | undefined> {
  const { split } = config;
  if (split.kind !== 'time') return splitKey(config, values);
  const { sql, type } = checkedValue(values, 'split');
  if (!isTextTime(type)) return sql;
  return (await textTimes({ usedBy: 'split', expression: split.column })).value.sql;
}
