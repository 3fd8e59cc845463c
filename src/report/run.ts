/** A run: report.md, and what the terminal shows at its end. */
import type { RanksDocument, RunDocument, TrainingDocument } from '../documents/result.ts';
import { choiceMarkdown } from './choice.ts';
import { choiceTable, keepRateTable } from './flow-rates.ts';
import { flowMarkdown } from './flows.ts';
import { gridText } from './grid.ts';
import { fenced, markdownText } from './markdown.ts';
import { duration, metricText } from './numbers.ts';
import { markdownTable } from './table.ts';
import { verdict, yardstickMarkdown, yardstickText } from './yardsticks.ts';

/** report.md: what a person reads afterwards. */
export function runMarkdown(run: RunDocument): string {
  const { model, data, parameters, epochs, seconds, test, flows, config } = run;
  const name = markdownText(data.name);
  const { train, validation, test: testRows } = data.rows;
  const trained = Object.entries(epochs).map(([phase, count]) => `${count} ${phase}`);
  const lines = [
    `# ${model.title} on ${name}`,
    '',
    `Mean AUC ${metricText(test.macro.auc)}, log loss ${metricText(test.macro.logloss)} on the test rows.`,
    ...(run.yardsticks === undefined ? [] : ['', verdict(run.yardsticks)]),
    '',
    `- data: ${name} (${data.hash.slice(0, 12)}), rows ${train} train / ${validation} validation / ${testRows} test`,
    `- parameters: ${parameters.dense} dense, ${parameters.tableRows} x ${parameters.dimension} embeddings`,
    `- epochs: ${trained.join(', ')}; ${seconds.toFixed(0)} s`,
    ...partsLine(run),
    ...(run.ranks === undefined ? [] : [`- ranks: ${ranksText(run.ranks)}`]),
    ...(run.size ?? []).map(({ message }) => `- size of the data: ${markdownText(message)}`),
    ...data.notes.map((note) => `- note: ${markdownText(note)}`),
    '',
    ...(run.choice === undefined ? [] : ['## Why this model', '', ...choiceMarkdown(run.choice)]),
    '## Test rows',
    '',
    ...fenced(gridText(test), 'text'),
    '',
    ...(flows === undefined
      ? []
      : [
          '## Flow keep-rates',
          '',
          'Share of the training rows of a scenario for which a flow reaches the task. The merged path is always kept.',
          '',
          ...markdownTable(keepRateTable({ ...run, ...flows, flows: flows.names })),
          '',
        ]),
    ...(run.verdict === undefined ? [] : ['## Flows', '', ...flowMarkdown(run.verdict), '']),
    ...choiceLines(run),
    ...(run.yardsticks === undefined ? [] : ['## Yardsticks', '', ...yardstickMarkdown(test, run.yardsticks), '']),
    '## Configuration',
    '',
    ...fenced(JSON.stringify(config, null, 2), 'json'),
  ];
  return `${lines.join('\n')}\n`;
}

/** How many ranks train together, and where they have the rows of tables. */
export const ranksText = ({ count, tables, reason }: RanksDocument): string =>
  `${count}, ${tables === 'sharded' ? 'which share the rows of tables' : 'each with whole tables'}: ${reason}`;

/** Yardsticks are no part of the training, whose seconds are above. */
function partsLine({ parts = {} }: RunDocument): string[] {
  const spent = Object.entries(parts).filter(([, own]) => own >= 0.05);
  if (spent.length === 0) return [];
  const total = spent.reduce((sum, [, own]) => sum + own, 0);
  return [
    `- processor time: ${total.toFixed(1)} s: ${spent.map(([part, own]) => `${part} ${own.toFixed(1)}`).join(', ')}`,
  ];
}

/** No lines where a model chooses nothing. */
function choiceLines({ choices, scenarios }: RunDocument): string[] {
  const table = choiceTable(choices, scenarios);
  if (table === undefined) return [];
  return [
    '## Chosen experts',
    '',
    'Share of the test rows of a scenario that use an expert. What a scenario never uses does nothing there.',
    '',
    ...markdownTable(table),
    '',
  ];
}

/** The end of a training on a terminal. */
export function trainingText(training: TrainingDocument): string {
  const { run, epochs, seconds } = training;
  const trained = Object.entries(epochs).map(([phase, n]) => `${n} ${phase} epoch${n === 1 ? '' : 's'}`);
  return [
    '',
    'test rows',
    gridText(training),
    '',
    ...(training.yardsticks === undefined ? [] : [...yardstickText(training, training.yardsticks), '']),
    `${trained.join(', ')}, ${duration(seconds)}`,
    `run: ${run} (all results are in report.md)`,
  ].join('\n');
}
