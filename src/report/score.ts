import { oneLine } from '../base/one-line.ts';

/** The expressions of an artifact's score, a line each. */
export const scoreLines = ({
  default: all,
  scenarios,
}: {
  default: string;
  scenarios: Readonly<Record<string, string>>;
}): string[] => [
  `score: ${all}`,
  ...Object.entries(scenarios).map(([scenario, text]) => `  ${oneLine(scenario)}: ${text}`),
];
