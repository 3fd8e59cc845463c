/** report.md of a run: what a person reads afterwards. */

import { fenced, markdownTable, markdownText } from '../../base/markdown.ts';
import { formatGrid } from '../../evaluate/index.ts';
import type { ChoiceCounts } from '../../inference/choices.ts';
import type { RunRecord } from '../../store/run/run-folder.ts';
import type { ResultEvent } from './events.ts';
import type { Setup } from './setup.ts';
import type { LoopState } from './state.ts';

export function reportText(
  record: RunRecord,
  setup: Setup,
  state: LoopState,
  result: ResultEvent,
  choices: ChoiceCounts,
): string {
  const { manifest } = setup.data;
  const { train, validation, test } = manifest.splits;
  const epochs = Object.entries(result.epochs)
    .map(([phase, count]) => `${count} ${phase}`)
    .join(', ');
  const name = markdownText(manifest.name);
  const lines = [
    `# ${setup.model.title} on ${name}`,
    '',
    `- data: ${name} (${record.data.hash.slice(0, 12)}), rows ${train.rows} train / ${validation.rows} validation / ${test.rows} test`,
    `- parameters: ${setup.denseParameters} dense, ${manifest.tableRows} x ${setup.weights.dimension} embeddings`,
    `- epochs: ${epochs}; ${result.seconds.toFixed(0)} s`,
    ...(manifest.config.notes ?? []).map((note) => `- note: ${markdownText(note)}`),
    '',
    '## Test rows',
    '',
    ...fenced(formatGrid(result.grid), 'text'),
    '',
    ...(state.keep === null ? [] : flowLines(setup, state.keep)),
    ...choiceLines(choices, manifest.scenarios),
    '## Configuration',
    '',
    ...fenced(JSON.stringify(record.config, null, 2), 'json'),
  ];
  return `${lines.join('\n')}\n`;
}

function flowLines(setup: Setup, keep: NonNullable<LoopState['keep']>): string[] {
  const { scenarios, tasks } = setup.data.manifest;
  const flows = setup.model.flowSelection?.flows ?? [];
  const share = (rate: number | null): string => (rate === null ? '-' : rate.toFixed(3));
  return [
    '## Flow keep-rates',
    '',
    'Share of the training rows of a scenario for which a flow reaches the task. The merged path is always kept.',
    '',
    ...markdownTable(
      ['scenario', 'task', ...flows, 'rows'],
      scenarios.flatMap((scenario, s) =>
        tasks.map((task, t) => [markdownText(scenario), task, ...keep.rates[s][t].map(share), String(keep.rows[s])]),
      ),
    ),
    '',
  ];
}

/** A table of shares for a report, in Markdown; no lines where a model chooses nothing. */
export function choiceLines({ rows, chosen }: ChoiceCounts, scenarios: readonly string[]): string[] {
  const most = Math.max(0, ...Object.values(chosen).map(([first]) => first.length));
  if (most === 0) return [];
  const parts = Array.from({ length: most }, (_, part) => part);
  const share = (count: number | undefined, of: number): string =>
    count === undefined ? '' : of === 0 ? '-' : (count / of).toFixed(3);
  return [
    '## Chosen experts',
    '',
    'Share of the test rows of a scenario that use an expert. What a scenario never uses does nothing there.',
    '',
    ...markdownTable(
      ['choice', 'scenario', ...parts.map(String), 'rows'],
      Object.entries(chosen).flatMap(([name, counts]) =>
        scenarios.map((scenario, s) => {
          const shares = parts.map((part) => share(counts[s][part], rows[s]));
          return [name, markdownText(scenario), ...shares, String(rows[s])];
        }),
      ),
    ),
    '',
  ];
}
