/** What a check is. */
import { oneLine } from '../../base/one-line.ts';
import { type DatasetConfig, scenarioNames } from '../../config/dataset.ts';
import type { Context } from './context.ts';
import type { Problem } from './finding.ts';

/** Names of scenario and task, as findings write them. */
export const scenarioName = ({ scenario }: DatasetConfig, s: number): string => oneLine(scenarioNames(scenario)[s]);

/** A check: what it is called, what it says when all is well, and how it looks for problems. */
export interface Check {
  name: string;
  pass: (context: Context) => string;
  run: (context: Context) => Problem[] | Promise<Problem[]>;
}
