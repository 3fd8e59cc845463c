import type { Command } from 'commander';
import { oneLine } from '../../../base/one-line.ts';
import { openPrepared } from '../../../data/prepared/open.ts';
import type { Manifest } from '../../../data/prepared/prepared.ts';
import { modelSizes } from '../../../inference/model/sizes.ts';
import type { ModelDefinition } from '../../../model/contract.ts';
import { defaultText, describeOptions, describeTraining, presetOptions } from '../../../model/describe.ts';
import { countNumbers, networkOf } from '../../../model/network.ts';
import { findModel, models as zoo } from '../../../model/registry.ts';
import { count } from '../../../report/numbers.ts';
import { tableOf, textTable } from '../../../report/table.ts';
import { helpEnd } from '../../help.ts';
import { collect, jsonOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { modelPage } from '../../print/model-page.ts';

interface Options {
  modelFile?: string[];
  data?: string;
  markdown?: boolean;
  json?: boolean;
}

export function models(program: Command): void {
  const verb = program
    .command('models')
    .summary('list the models, their options and presets')
    .description('Lists each model with its paper, its options with defaults, and its presets.')
    .argument('[key]', 'one model only')
    .option('--model-file <file>', 'a module with a model of your own; may be repeated', collect)
    .option('--data <dir>', 'also count the parameters for this prepared data set')
    .option('--markdown', 'whole pages: equations, a figure of the structure, options, size and cost')
    .addOption(jsonOption())
    .action(run);
  helpEnd(verb, ['tributary models', 'tributary models autoifs --data data/ml-1m', 'tributary models mmoe --markdown']);
}

async function run(key: string | undefined, { modelFile = [], data, markdown, json }: Options): Promise<void> {
  await zoo.loadFiles(modelFile);
  const chosen = key === undefined ? [...zoo.values()] : [findModel(key)];
  if (markdown) {
    print(chosen.map(modelPage).join('\n'));
    return;
  }
  const manifest = data === undefined ? undefined : (await openPrepared(data)).manifest;
  const described = chosen.map((model) => describe(model, manifest));
  if (json) for (const model of described) printJson({ event: 'model', ...model });
  else print(described.map(text).join('\n\n'));
}

type Description = ReturnType<typeof describe>;

function describe(model: ModelDefinition, manifest: Manifest | undefined) {
  const { key, title, paper, purpose, presets } = model;
  return {
    key,
    title,
    paper,
    purpose,
    options: describeOptions(model),
    training: describeTraining(model),
    presets: Object.keys(presets),
    parameters: manifest && sizes(model, manifest),
  };
}

/** Dense parameters with the defaults and with each preset, for the data's fields, scenarios and tasks. */
function sizes(model: ModelDefinition, manifest: Manifest) {
  const { tableRows, name } = manifest;
  const network = (preset?: string) => networkOf(model, presetOptions(model, preset), modelSizes(manifest));
  const presets = Object.keys(model.presets).map((preset) => [preset, countNumbers(network(preset).parameters)]);
  const { dimension: embeddingDim, parameters } = network();
  return { data: name, tableRows, embeddingDim, defaults: countNumbers(parameters), ...Object.fromEntries(presets) };
}

function text({ key, title, paper, purpose, options, training, presets, parameters }: Description): string {
  const table = tableOf(options, [
    { title: '  option', text: ({ name }) => `  model.${name}` },
    { title: 'default', text: defaultText },
    { title: 'meaning', text: ({ description }) => description },
  ]);
  const { data, tableRows, embeddingDim, ...dense } = parameters ?? {};
  const counted = Object.entries(dense).map(([preset, n]) => `${count(n as number)} (${preset})`);
  return [
    `${key}: ${title}`,
    `  ${purpose}`,
    `  ${paper}`,
    ...(training.length === 0 ? [] : [`  trains with: ${training.join(', ')}`]),
    `  presets: ${presets.join(', ') || 'none'}`,
    ...(parameters === undefined
      ? []
      : [
          `  on ${oneLine(String(data))}: dense parameters ${counted.join(', ')}; ${count(tableRows)} x ${embeddingDim} embeddings`,
        ]),
    '',
    ...textTable(table),
  ].join('\n');
}
