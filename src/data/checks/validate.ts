/** `validate`: looks at a configuration and its sources before any work, and says by name what is right and wrong. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { EXIT } from '../../base/errors/entry.ts';
import { TributaryError } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { withAdvice } from '../expressions/advice.ts';
import { checkExpressions, type Values } from '../expressions/check.ts';
import { allExpressions } from '../expressions/places.ts';
import { type FoundFiles, findSources } from '../sources/find.ts';
import { baseSource, type Source } from '../sources/source.ts';
import { createSourceView } from '../sources/views.ts';
import { openDuckDB } from '../sql/duckdb.ts';
import { registerNumberText } from '../sql/functions.ts';
import { cellSizes, cells, scenarios, trainingCells, validationSize } from './cells.ts';
import type { Check } from './check.ts';
import { createContext } from './context.ts';
import { constantFields, duplicates, fieldTypes, groups, idFields, missingValues, rareValues } from './fields.ts';
import { type Finding, number, type Problem } from './finding.ts';
import { checkJoins } from './joins.ts';
import { labels, weights } from './labels.ts';
import { leakage } from './leakage.ts';
import { parts } from './parts.ts';
import { sequences } from './sequences.ts';
import { split } from './split.ts';

export { type Finding, formatFindings, worstLevel } from './finding.ts';

/** The checks of the joined rows, in the order in which they are reported. */
const CHECKS: Check[] = [
  labels,
  weights,
  scenarios,
  cells,
  cellSizes,
  trainingCells,
  validationSize,
  fieldTypes,
  missingValues,
  constantFields,
  idFields,
  rareValues,
  leakage,
  groups,
  duplicates,
  split,
  parts,
  sequences,
];

export interface ValidateOptions {
  memoryLimit?: string;
}

/**
 * Checks a configuration against its sources. The data are read a fixed number of times, in bounded memory, and nothing
 * is written. What is wrong with configuration or data is a finding; only trouble of the machine is thrown.
 */
export async function validate(
  config: DatasetConfig,
  sourceFolder: string,
  { memoryLimit }: ValidateOptions = {},
): Promise<Finding[]> {
  const files = await findSources(config.sources, sourceFolder);
  const { connection, close } = await openDuckDB({ memoryLimit, access: { files: files.all } });
  try {
    await registerNumberText(connection);
    const findings: Finding[] = [];
    const tell: Tell = (check, pass, problems) => {
      if (problems.length === 0) findings.push({ check, level: 'pass', message: pass });
      for (const { level, ...problem } of problems) findings.push({ check, level, ...problem });
      return !problems.some((p) => p.level === 'fail');
    };
    const stopped = (): Finding[] => {
      const message = 'not done: mend what failed above and run again';
      return [...findings, { check: 'other-checks', level: 'warn', message }];
    };

    const { sources, problems } = await openSources(connection, config, files);
    const rows = sources.reduce((sum, s) => sum + s.rows, 0);
    if (!tell('sources', `${sources.map((s) => s.name).join(', ')}: ${number(rows)} rows`, problems)) return stopped();

    const { values, problems: wrong } = await checkColumns(connection, config, sources);
    if (!tell('columns', `every expression can be computed (${values.size})`, wrong)) return stopped();

    const joins = await checkJoins(connection, config, sources);
    const joined = config.joins.length === 0 ? 'no joins' : `${config.joins.length} joins keep every row, once`;
    if (!tell('joins', joined, joins)) return stopped();

    const { context, run } = await openChecks(connection, config, sources, values);
    const base = sources.find((s) => s.name === baseSource(config))?.rows ?? 0;
    const none: Problem[] = [{ level: 'fail', message: `joins and "where" leave none of ${number(base)} rows` }];
    const kept = `${number(context.rows)} of ${number(base)} rows of source "${baseSource(config)}"`;
    if (!tell('rows', kept, context.rows === 0 ? none : [])) return stopped();

    await run(tell);
    return findings;
  } finally {
    close();
  }
}

/** Tells what a check found; false where something failed. */
type Tell = (check: string, pass: string, problems: Problem[]) => boolean;

/** The checks of the joined rows. */
async function openChecks(connection: DuckDBConnection, config: DatasetConfig, sources: Source[], values: Values) {
  const context = await createContext(connection, config, sources, values);
  return {
    context,
    async run(tell: Tell): Promise<void> {
      for (const check of CHECKS) tell(check.name, check.pass(context), await check.run(context));
    },
  };
}

/** What fails in the joined rows of a configuration whose sources are open, and numbers known as text. */
export async function failuresIn(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
): Promise<Finding[]> {
  const values = await checkExpressions(connection, config, sources);
  const { context, run } = await openChecks(connection, config, sources, values);
  const failures: Finding[] = [];
  if (context.rows === 0) return [{ check: 'rows', level: 'fail', message: 'no rows are left' }];
  await run((check, _pass, problems) => {
    for (const { level, ...problem } of problems) if (level === 'fail') failures.push({ check, level, ...problem });
    return true;
  });
  return failures;
}

/** Opens the sources one by one, so that every problem is reported, not only the first. */
async function openSources(
  connection: DuckDBConnection,
  config: DatasetConfig,
  files: FoundFiles,
): Promise<{ sources: Source[]; problems: Problem[] }> {
  const sources: Source[] = [];
  const problems: Problem[] = [];
  for (const [name, source] of Object.entries(config.sources)) {
    const found = await problemsIn(async () => {
      sources.push(await createSourceView(connection, name, source, files.of(name)));
    });
    problems.push(...found);
  }
  return { sources, problems };
}

/** Reports missing columns all at once, expressions that do not fit one by one. */
async function checkColumns(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
): Promise<{ values: Values; problems: Problem[] }> {
  try {
    return { values: await checkExpressions(connection, config, sources), problems: [] };
  } catch (cause) {
    const problem = asProblem(cause);
    if (cause instanceof TributaryError && cause.code === 'DATA_COLUMNS_MISSING')
      return { values: new Map(), problems: [problem] };
  }
  const problems: Problem[] = [];
  for (const expression of allExpressions(config))
    problems.push(
      ...(await problemsIn(async () => {
        await checkExpressions(connection, config, sources, [expression]).catch(async (cause) => {
          throw await withAdvice({ connection, config, sources }, cause);
        });
      })),
    );
  return { values: new Map(), problems };
}

async function problemsIn(work: () => Promise<unknown>): Promise<Problem[]> {
  try {
    await work();
    return [];
  } catch (cause) {
    return [asProblem(cause)];
  }
}

/** What users can fix, in the data or the configuration, is reported. Anything else is thrown. */
function asProblem(cause: unknown): Problem {
  const fixable: number[] = [EXIT.usage, EXIT.data];
  if (cause instanceof TributaryError && fixable.includes(cause.exitCode))
    return { level: 'fail', message: cause.message };
  throw cause;
}
