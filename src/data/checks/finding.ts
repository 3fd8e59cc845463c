/** What validation says: named findings, for people and for machines. */
export type Level = 'pass' | 'warn' | 'fail';

export interface Finding {
  /** Name of the check, in kebab case. */
  check: string;
  level: Level;
  /** What was found, and what to do about it. */
  message: string;
  /** Rows (or keys) concerned, of how many. Absent where nothing was counted. */
  count?: number;
  of?: number;
  /** What it is about, where that is one thing: the name of a field or task, the index of a scenario. */
  about?: { field?: string; task?: string; scenario?: number };
}

/** A finding of a check that knows its own name only where it is declared. */
export type Problem = Omit<Finding, 'check' | 'level'> & { level: 'warn' | 'fail' };

/** The gravest level among findings: `pass` when there are none. */
export const worstLevel = (findings: Finding[]): Level =>
  (['fail', 'warn'] as const).find((level) => findings.some((f) => f.level === level)) ?? 'pass';

/** Findings for a terminal, one per line, and a last line that counts them. */
export function formatFindings(findings: Finding[]): string {
  const width = Math.max(...findings.map((f) => f.check.length));
  const lines = findings.map(({ check, level, message, count, of }) => {
    const share = count === undefined || of === undefined ? '' : ` (${number(count)} of ${number(of)})`;
    return `${level.toUpperCase()}  ${check.padEnd(width)}  ${message.replaceAll('\n', `\n${' '.repeat(width + 8)}`)}${share}`;
  });
  const counts = (['pass', 'warn', 'fail'] as const).map((level) => {
    const n = findings.filter((f) => f.level === level).length;
    return `${n} ${level}`;
  });
  return `${[...lines, counts.join(', ')].join('\n')}\n`;
}

export const number = (n: number): string => n.toLocaleString('en-US');

export const percent = (share: number): string =>
  `${(100 * share).toFixed(share > 0 && share < 0.001 ? 3 : share > 0.995 && share < 1 ? 2 : 1)} %`;
