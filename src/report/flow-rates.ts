/** How often flows are kept and experts are chosen: of a run, and of the rows that `flows` measures. */
import { oneLine } from '../base/one-line.ts';
import type { FlowRatesDocument } from '../documents/flow-rates.ts';
import type { ChoiceCounts } from '../documents/parts.ts';
import { count } from './numbers.ts';
import { numeric, type Table, tableOf, textTable } from './table.ts';

/** What `flows` prints. */
export function flowRatesText({ data, split, rows, flows, choices }: FlowRatesDocument): string {
  const lines = [`${count(rows)} ${split} rows of ${oneLine(data)}`];
  if (flows.length > 0)
    lines.push(
      '',
      'Share of the rows for which a flow is kept (scenario side -> task side):',
      ...textTable(measuredFlows(flows)),
    );
  for (const choice of new Set(choices.map((line) => line.choice)))
    lines.push(
      '',
      `Share of the rows that use an expert of ${choice}:`,
      ...textTable(measuredChoice(choices.filter((line) => line.choice === choice))),
    );
  return lines.join('\n');
}

function measuredFlows(flows: FlowRatesDocument['flows']): Table {
  const names = [...new Set(flows.map(({ flow }) => flow))];
  const cells = flows.filter(({ flow }) => flow === names[0]);
  type Cell = (typeof cells)[number];
  const lineOf = (cell: Cell, name: string): Cell | undefined =>
    flows.find((line) => line.scenario === cell.scenario && line.task === cell.task && line.flow === name);
  return tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    ...names.map((name) => numeric<Cell>(name, (cell) => exactShare(lineOf(cell, name)?.kept ?? 0, cell.rows))),
    numeric('rows', ({ rows }) => count(rows)),
  ]);
}

function measuredChoice(lines: FlowRatesDocument['choices']): Table {
  const scenarios = lines.filter(({ expert }) => expert === 0);
  const experts = lines.filter(({ scenario }) => scenario === lines[0].scenario);
  type Line = (typeof lines)[number];
  const chosen = (of: string, expert: number): number =>
    lines.find((line) => line.scenario === of && line.expert === expert)?.chosen ?? 0;
  return tableOf(scenarios, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    ...experts.map(({ expert }) =>
      numeric<Line>(String(expert), ({ scenario, rows }) => exactShare(chosen(scenario, expert), rows)),
    ),
    numeric('rows', ({ rows }) => count(rows)),
  ]);
}

/** A share that is exact where it is 0 or 1: 0.9999 of many rows is not all of them. */
function exactShare(part: number, rows: number): string {
  if (rows === 0) return '-';
  if (part === 0 || part === rows) return String(part / rows);
  const text = (part / rows).toFixed(4);
  return text === '1.0000' ? '<1' : text === '0.0000' ? '>0' : text;
}

interface KeepRates {
  scenarios: readonly string[];
  tasks: readonly string[];
  /** Flows of a task. */
  flows: readonly string[];
  /** [scenario][task][flow]; null for a scenario without rows. */
  keep: readonly (readonly (readonly (number | null)[])[])[];
  /** Per scenario. */
  rows: readonly number[];
}

/** Of a training: a line per cell, a column per flow. `note`: a text behind each share. */
export function keepRateTable(
  { scenarios, tasks, flows, keep, rows }: KeepRates,
  note: (s: number, t: number, flow: number) => string = () => '',
): Table {
  const cells = scenarios.flatMap((scenario, s) => tasks.map((task, t) => ({ scenario, task, s, t })));
  type Cell = (typeof cells)[number];
  return tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    ...flows.map((name, k) => numeric<Cell>(name, ({ s, t }) => `${shareText(keep[s][t][k])}${note(s, t, k)}`)),
    numeric('rows', ({ s }) => count(rows[s])),
  ]);
}

/** Of a training: a line per choice and scenario, a column per expert; undefined where a model chooses nothing. */
export function choiceTable({ rows, chosen }: ChoiceCounts, scenarios: readonly string[]): Table | undefined {
  const lines = Object.entries(chosen).flatMap(([choice, counts]) =>
    scenarios.map((scenario, s) => ({ choice, scenario, counts: counts[s], rows: rows[s] })),
  );
  if (lines.length === 0) return undefined;
  type Line = (typeof lines)[number];
  const experts = Math.max(...lines.map(({ counts }) => counts.length));
  return tableOf(lines, [
    { title: 'choice', text: ({ choice }) => choice },
    { title: 'scenario', text: ({ scenario }) => scenario },
    ...Array.from({ length: experts }, (_, expert) =>
      numeric<Line>(String(expert), ({ counts, rows }) =>
        expert >= counts.length ? '' : shareText(rows === 0 ? null : counts[expert] / rows),
      ),
    ),
    numeric('rows', ({ rows }) => count(rows)),
  ]);
}

const shareText = (rate: number | null): string => rate?.toFixed(3) ?? '-';
