import { EXIT, entry } from './entry.ts';

export const TRAIN_ERRORS = {
  MODEL_UNKNOWN: entry(
    EXIT.usage,
    400,
    (d: { key: string; known: string[] }) => `there is no model "${d.key}". Models: ${d.known.join(', ')}`,
    { onPage: 'Take one of the models in the message (`tributary models`)' },
  ),
  MODEL_EXISTS: entry(
    EXIT.usage,
    409,
    (d: { key: string; file?: string }) =>
      `there is already a model "${d.key}"${d.file === undefined ? '' : ` (${d.file})`}`,
    'Register yours under another key',
  ),
  MODEL_INVALID: entry(
    EXIT.usage,
    400,
    (d: { source: string; problems: string[] }) =>
      `the model definition of ${d.source} breaks the contract:\n${d.problems.map((p) => `  ${p}`).join('\n')}\n`,
    'docs/adding-a-model.md says what a definition consists of',
  ),
  MODEL_FILE_UNREADABLE: entry(
    EXIT.usage,
    400,
    (d: { path: string; reason: string }) => `no model can be loaded from ${d.path}: ${d.reason}`,
    'A model file is a TypeScript or JavaScript module with `export default defineModel({ ... })`. A run remembers the path of its own: put it back there',
  ),
  SEQUENCES_MISSING: entry(
    EXIT.usage,
    400,
    (d: { model?: string }) =>
      `${d.model === undefined ? 'the model' : `the model "${d.model}"`} reads behaviour sequences, and the data have none`,
    'Add "sequences" to the data set and prepare it again, or take another model',
  ),
  FLOWS_FILE: entry(
    EXIT.usage,
    400,
    (d: { path: string; problem: string }) => `${d.path} is no verdict on the flows of these data: ${d.problem}`,
    'Write one with `tributary flows --test DATA --json > FILE`, or take model.flows=test or model.flows=open',
  ),
  WARM_START_MISMATCH: entry(
    EXIT.usage,
    400,
    (d: { run: string; problems: string[] }) =>
      `cannot start from the weights of ${d.run}:\n${d.problems.map((p) => `  ${p}`).join('\n')}\n`,
    'Use the same model and options on data with the same fields, scenarios and tasks',
  ),
  MODEL_UNBOUND: entry(
    EXIT.usage,
    400,
    (d: { run: string }) => `the weights in ${d.run} were imported without a data set`,
    'Name the prepared one with --data, here or when importing',
  ),
  MODEL_MISFIT: entry(
    EXIT.usage,
    400,
    (d: { model: string; data: string; problems: string[] }) =>
      `${d.data} does not fit ${d.model}: it has ${d.problems.join('; ')}`,
    {
      onPage:
        'Name data with the fields, scenarios and tasks that the model was trained on, prepared with its vocabularies',
    },
  ),
  RUN_IMPORTED: entry(
    EXIT.usage,
    400,
    (d: { folder: string }) => `the weights in ${d.folder} were imported: there is no training to resume`,
    (d) => `Start a new one from them with \`tributary train --warm-start ${d.folder}\``,
  ),
  IMPORT_UNSUPPORTED: entry(
    EXIT.usage,
    400,
    (d: { key: string; known: string[]; pairs?: true }) =>
      `the model "${d.key}"${d.pairs === true ? ' with model.pairs=true' : ''} has no published layout to import from or export to. Models that have one: ${d.known.join(', ')}`,
    { onPage: 'Take one of the models in the message, without the option pairs' },
  ),
  IMPORT_MISMATCH: entry(
    EXIT.artifact,
    422,
    (d: { weights: string; problems: string[] }) =>
      `${d.weights} does not hold this model:\n${d.problems.map((p) => `  ${p}`).join('\n')}\n`,
    'Check --model and the sizes in --config',
  ),
  SUBSET_EMPTY: entry(
    EXIT.data,
    422,
    (d: { folder: string; split: string; scenarios: string[] }) =>
      `${d.folder} has no ${d.split} row of ${d.scenarios.map((name) => `"${name}"`).join(', ')}`,
    'train.scenarios must name a scenario with rows in every split',
  ),
  LOSS_NOT_FINITE: entry(
    EXIT.training,
    500,
    (d: {
      /** What is not finite, for example `the loss of task "click"`. */
      what: string;
      phase: string;
      step: number;
      epoch: number;
      learningRate?: number;
      largestGradient?: string;
      /** Sum of the weights of the batch's rows, if it is not a finite number above 0. */
      weights?: string;
    }) => {
      const numbers = [
        ...(d.learningRate === undefined ? [] : [`last learning rate ${d.learningRate}`]),
        ...(d.largestGradient === undefined ? [] : [`largest gradient ${d.largestGradient}`]),
      ];
      return (
        `${d.what} is not finite at step ${d.step} (phase ${d.phase}, epoch ${d.epoch})` +
        `${numbers.length === 0 ? '' : `; ${numbers.join(', ')}`}` +
        (d.weights === undefined ? '' : `. The weights of the batch's rows sum to ${d.weights}`)
      );
    },
    (d) =>
      `${
        d.weights === undefined
          ? 'Try a lower train.learningRate or train.clipNorm'
          : 'Every weight must be a finite number above 0: correct them and prepare the data again'
      }. No model was written; earlier checkpoints are kept`,
  ),
} as const;
