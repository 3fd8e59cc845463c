import type { Command } from 'commander';
import { createGrid, type Grid } from '../../src/evaluate/index.ts';
import type { TrainingEvent } from '../../src/train/run/events.ts';

/** Two scenarios, one task; the second scenario has one class only, so its AUC is undefined. */
export async function grid(): Promise<Grid> {
  const accumulator = createGrid({ scenarios: ['home', 'search'], tasks: ['click'], hasGroup: false });
  accumulator.add({
    size: 4,
    logits: Float32Array.of(2, -1, 0.5, 1),
    labels: Float32Array.of(1, 0, 0, 0),
    scenario: Int32Array.of(0, 0, 0, 1),
    group: Int32Array.of(-1, -1, -1, -1),
  });
  return accumulator.finish();
}

/** What a short training tells, in order. */
export async function story(): Promise<TrainingEvent[]> {
  const validation = await grid();
  const at = { phase: 'search', epoch: 1, epochs: 2 } as const;
  return [
    {
      event: 'start',
      run: 'runs/a',
      model: 'autoifs',
      dataset: 'shop',
      scenarios: ['home', 'search'],
      tasks: ['click'],
      rows: { train: 8000, validation: 1000, test: 1000 },
      denseParameters: 19171,
      tableRows: 2651,
      embeddingDim: 8,
      device: 'cpu',
      backend: 'auto',
      resumed: false,
      size: [{ about: 'network', message: 'the network has more parameters than rows' }],
    },
    { event: 'phase', phase: 'search', epochs: 2, steps: 16 },
    {
      event: 'progress',
      ...at,
      step: 4,
      steps: 16,
      rowsPerSecond: 81234.5,
      etaSeconds: 75,
      losses: { click: 0.61234 },
      learningRate: 0.001,
    },
    {
      event: 'epoch',
      ...at,
      losses: { click: 0.6 },
      taskWeights: { click: 1 },
      validation,
      monitor: 1,
      step: 16,
      best: true,
      bestStep: 16,
      temperature: 1,
      seconds: 2.34,
      rowsPerSecond: 80000,
    },
    { event: 'checkpoint', path: 'runs/a/checkpoints/000001' },
    {
      event: 'flows',
      flows: ['a -> b', 'c -> d'],
      split: 'train',
      keep: [[[1, 0.25]], [[null, null]]],
      rows: [8000, 0],
      scenarios: ['home', 'search'],
      tasks: ['click'],
    },
    { event: 'warning', message: 'look out' },
    {
      event: 'result',
      run: 'runs/a',
      split: 'test',
      grid: validation,
      seconds: 12.5,
      epochs: { search: 2, retrain: 1 },
    },
  ];
}

/** A stream that keeps what is written. */
export function sink(): { text: string; write(text: string): void } {
  return {
    text: '',
    write(text) {
      this.text += text;
    },
  };
}

/** The commands that do something, and the words that lead to each. */
export const verbsOf = (program: Command): { words: string[]; command: Command }[] =>
  program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [{ words: [command.name()], command }]
      : verbsOf(command).map((inner) => ({ ...inner, words: [command.name(), ...inner.words] })),
  );

/** A command's help, at a width that does not depend on the terminal. */
export function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 120,
  });
  command.outputHelp();
  return text.trimEnd();
}
