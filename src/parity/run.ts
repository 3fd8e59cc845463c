/** Runs every fixture of a folder: one row each, with its worst error in units of its tolerance. */
import { existsSync, statSync } from 'node:fs';
import { error } from '../base/errors/index.ts';
import { Checks } from './checks.ts';
import { type Fixture, fixtureNames, NotUnderstood, readFixture, some } from './fixture.ts';
import { globPattern } from './glob.ts';
import { checkFlows, isFlowFixture } from './kinds/flow-covariance.ts';
import { checkModel, isModelFixture } from './kinds/model-fixture.ts';
import { checkPipeline, isPipelineFixture } from './kinds/pipeline.ts';
import { checkPreparation, isPreparationFixture } from './kinds/preparation.ts';
import { checkRule, isRuleFixture } from './kinds/rules.ts';
import { checkStatistics, isStatisticsFixture } from './kinds/statistics.ts';

export interface ParityRow {
  fixture: string;
  /** Tensors and claims compared. */
  checks: number;
  /** Worst error divided by its tolerance: up to 1 passes. */
  worst: number;
  /** Position of the worst error, and the two numbers. */
  where: string;
  status: 'pass' | 'fail';
  /** Why the fixture could not be checked, and fails. */
  reason?: string;
  /** Notes for the reader. */
  note?: string;
}

interface Kind {
  fits: (fixture: Fixture) => boolean;
  check: (fixture: Fixture, checks: Checks) => void | Promise<void>;
}

/** The first kind that fits, because training runs also name a model. */
const KINDS: Kind[] = [
  { fits: isPipelineFixture, check: checkPipeline },
  { fits: isModelFixture, check: checkModel },
  { fits: isPreparationFixture, check: checkPreparation },
  { fits: isFlowFixture, check: checkFlows },
  { fits: isStatisticsFixture, check: checkStatistics },
  { fits: isRuleFixture, check: checkRule },
];

export interface ParityOptions {
  /** Only fixtures whose name matches this pattern of `*`, `?` and `{a,b}`. */
  only?: string;
  onRow?: (row: ParityRow) => void;
}

/**
 * Compares the product with every fixture of a folder. `ok`: all pass.
 *
 * @throws FILE_MISSING, PARITY_NO_FIXTURE
 */
export async function runParity(
  folder: string,
  { only, onRow }: ParityOptions = {},
): Promise<{ rows: ParityRow[]; ok: boolean }> {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw error('FILE_MISSING', { path: folder, expected: 'a folder of fixtures' });
  const pattern = only === undefined ? undefined : globPattern(only);
  const names = fixtureNames(folder).filter((name) => pattern?.test(name) ?? true);
  if (names.length === 0) throw error('PARITY_NO_FIXTURE', { folder, only });
  const rows: ParityRow[] = [];
  for (const name of names) {
    const row = await checkFixture(folder, name);
    rows.push(row);
    onRow?.(row);
  }
  return { rows, ok: rows.every(({ status }) => status === 'pass') };
}

async function checkFixture(folder: string, name: string): Promise<ParityRow> {
  const checks = new Checks();
  const result = (reason?: string): ParityRow => ({
    fixture: name,
    checks: checks.count,
    worst: checks.worst,
    where: checks.where,
    status: reason === undefined && checks.worst <= 1 ? 'pass' : 'fail',
    ...(reason === undefined ? {} : { reason }),
    ...(checks.note === undefined ? {} : { note: checks.note }),
  });
  try {
    const fixture = readFixture(folder, name);
    const kind = KINDS.find(({ fits }) => fits(fixture));
    if (kind === undefined)
      throw new NotUnderstood('it is of no known kind: neither a model, nor raw files, nor rows with flows, nor cases');
    await kind.check(fixture, checks);
    const left = [...fixture.untakenTensors(), ...Object.keys(fixture.unreadEntries()).map((key) => `"${key}"`)];
    if (left.length > 0) return result(`not understood: ${some(left)}`);
    return result(checks.count === 0 ? 'it holds nothing to compare' : undefined);
  } catch (cause) {
    return result((cause as Error).message);
  }
}
