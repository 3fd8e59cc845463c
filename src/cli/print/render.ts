/** Training events as text. */
import { oneLine } from '../../base/one-line.ts';
import { trainingDocument } from '../../documents/result.ts';
import { type Grid, numberOf } from '../../evaluate/index.ts';
import { keepRateTable } from '../../report/flow-rates.ts';
import { structureText } from '../../report/flows.ts';
import { count, duration, metricText } from '../../report/numbers.ts';
import { ranksText, trainingText } from '../../report/run.ts';
import { textTable } from '../../report/table.ts';
import type {
  EpochEvent,
  FlowsEvent,
  PhaseEvent,
  ProgressEvent,
  ResultEvent,
  StartEvent,
  StartWeightsEvent,
  ValidationEvent,
} from '../../train/run/events.ts';

const BAR = 24;

/** [=======>                ]  29% */
export function bar(share: number): string {
  const filled = Math.min(BAR, Math.floor(share * BAR));
  const head = filled < BAR ? '>' : '';
  return `[${('='.repeat(filled) + head).padEnd(BAR)}] ${String(Math.floor(share * 100)).padStart(3)}%`;
}

/** click 0.5512, like 0.4821 */
export const losses = (values: Record<string, number>): string =>
  Object.entries(values)
    .map(([task, loss]) => `${task} ${Number.isNaN(loss) ? '-' : loss.toFixed(4)}`)
    .join(', ');

export function startText(event: StartEvent): string {
  const { model, dataset, rows, device, backend, denseParameters, tableRows, embeddingDim, scenarios, tasks } = event;
  return [
    `${event.resumed ? 'resuming' : 'training'} ${model} on ${oneLine(dataset)} in ${event.run}`,
    `  rows        ${count(rows.train)} train, ${count(rows.validation)} validation, ${count(rows.test)} test`,
    `  scenarios   ${scenarios.map(oneLine).join(', ')}`,
    `  tasks       ${tasks.join(', ')}`,
    `  parameters  ${count(denseParameters)} dense, ${count(tableRows)} x ${embeddingDim} embeddings`,
    ...(device === 'cpu' ? [] : [`  device      ${backend === 'node' ? 'cpu' : backend}`]),
    ...(event.ranks === undefined ? [] : [`  ranks       ${ranksText(event.ranks)}`]),
    ...(event.structure === undefined ? [] : [`  flows       ${structureText(event.structure)}`]),
    ...decayLines(event.idDecay),
    ...event.size.map(({ message }) => `  size        ${oneLine(message)}`),
  ].join('\n');
}

/** Decay of id embeddings, by field. */
const decayLines = (idDecay: StartEvent['idDecay'] = {}): string[] => {
  const named = Object.entries(idDecay).map(([field, decay]) => `${oneLine(field)} ${decay}`);
  return named.length === 0 ? [] : [`  id decay    ${named.join(', ')}`];
};

export const validationLine = ({ phase, step, validation, best }: ValidationEvent): string =>
  `${phase}, step ${count(step)}: ${validationText(validation)}${best ? ' (best)' : ''}`;

export const phaseText = ({ phase, epochs, steps }: PhaseEvent): string =>
  `${phase}: up to ${epochs} epoch${epochs === 1 ? '' : 's'} of ${count(steps)} step${steps === 1 ? '' : 's'}`;

const where = ({ phase, epoch, epochs }: { phase: string; epoch: number; epochs: number }): string =>
  `${phase} ${epoch}/${epochs}`;
const speed = (rowsPerSecond: number): string => `${count(Math.round(rowsPerSecond))} rows/s`;

/** The lines that are redrawn while an epoch runs. */
export const progressLines = (event: ProgressEvent): string[] => [
  `${where(event)}  ${bar(event.step / event.steps)}  ${speed(event.rowsPerSecond)}  ${duration(event.etaSeconds)} left at most`,
  `loss  ${losses(event.losses)}`,
];

/** The same as one line, for output that is not redrawn. */
export const progressLine = (event: ProgressEvent): string =>
  `${where(event)}  step ${event.step}/${event.steps}  loss ${losses(event.losses)}  ${speed(event.rowsPerSecond)}  ${duration(event.etaSeconds)} left at most`;

const validationText = ({ macro: { auc, logloss } }: Grid): string =>
  `validation AUC ${metricText(numberOf(auc))}, log loss ${metricText(numberOf(logloss))}`;

export const startWeightsLine = ({ warmStart, validation }: StartWeightsEvent): string =>
  `weights of ${warmStart}, before any step: ${validationText(validation)}`;

export function epochLine(event: EpochEvent): string {
  const { step, bestStep = 0 } = event;
  const best = step === bestStep ? ' (best)' : ` (best at step ${count(bestStep)})`;
  const validation = `${validationText(event.validation)}${event.best ? best : ''}`;
  const weighted = Object.values(event.taskWeights).some((weight) => weight !== 1);
  const weights = weighted ? `  weights ${losses(event.taskWeights)}` : '';
  return `${where(event)}  loss ${losses(event.losses)}${weights}  ${validation}  ${duration(event.seconds)}  ${speed(event.rowsPerSecond)}`;
}

/** A line per cell, a column per flow. `note` adds a text behind each share. */
export const flowsText = (event: FlowsEvent, note?: (s: number, t: number, flow: number) => string): string =>
  [
    'flow keep-rates: share of the training rows for which a flow reaches the task',
    ...textTable(keepRateTable(event, note)),
  ].join('\n');

export const resultText = (event: ResultEvent): string => trainingText(trainingDocument(event));
