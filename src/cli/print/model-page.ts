/** A model's page in Markdown: purpose, equations, structure, options, size and cost, all from its declaration. */
import { multiplyAdds, type Tensor } from '../../graph/index.ts';
import { buildForward, inferenceGraph } from '../../inference/graphs/forward.ts';
import type { CommonOptions, ModelDefinition, ModelSizes, Phase } from '../../model/contract.ts';
import { defaultText, describeOptions, describeTraining, presetOptions } from '../../model/describe.ts';
import { figure } from '../../model/figure.ts';
import { countNumbers, networkOf } from '../../model/network.ts';
import { count } from '../../report/numbers.ts';
import { markdownTable, tableOf } from '../../report/table.ts';

type Model = ModelDefinition<CommonOptions>;

/** Data that the figure and the costs are for. */
const PAGE_SIZES: ModelSizes = {
  fields: 20,
  scenarios: 3,
  tasks: 2,
  orderedTasks: true,
  sequences: { types: 3, length: 20, itemField: 1 },
};

export function modelPage(model: Model): string {
  const { key, title, paper, purpose, equations } = model;
  const { fields, scenarios, tasks, sequences } = PAGE_SIZES;
  return [
    `# ${title}`,
    '',
    `\`${key}\`: ${purpose}`,
    '',
    `Paper: ${paper}.`,
    '',
    ...(equations === undefined ? [] : ['## Equations', '', '```text', equations.trim(), '```', '']),
    '## Structure',
    '',
    `With the defaults, for ${fields} fields, ${scenarios} scenarios and ${tasks} tasks. Boxes are layers with the shapes of their`,
    'kernels, circles are what stands between them, with the shape of what leaves them.',
    '',
    '```mermaid',
    structure(model),
    '```',
    '',
    '## Options',
    '',
    ...markdownTable(
      tableOf(describeOptions(model), [
        { title: 'option', text: (o) => `\`model.${o.name}\``, isMarkdown: true },
        {
          title: 'default',
          text: (o) => (o.default === undefined ? defaultText(o) : `\`${defaultText(o)}\``),
          isMarkdown: true,
        },
        { title: 'meaning', text: (o) => o.description, isMarkdown: true },
      ]),
    ),
    '',
    ...trainingLines(model),
    '## Size and cost',
    '',
    `For those data${sequences === undefined ? '' : ` (and ${sequences.types} behaviour sequences of ${sequences.length} items, where a model reads them)`}. Multiply-adds are those of scoring one row; a`,
    'training step takes about three times as many.',
    '',
    ...markdownTable(
      tableOf(
        [undefined, ...Object.keys(model.presets)].map((preset) => ({ preset, options: presetOptions(model, preset) })),
        [
          {
            title: 'options',
            text: ({ preset }) => (preset === undefined ? 'defaults' : `preset \`${preset}\``),
            isMarkdown: true,
          },
          {
            title: 'dense parameters',
            text: ({ options }) => count(countNumbers(networkOf(model, options, PAGE_SIZES).parameters)),
          },
          { title: 'multiply-adds per row', text: ({ options }) => count(costPerRow(model, options)) },
        ],
      ),
    ),
    '',
  ].join('\n');
}

/** Where a model does not start from the defaults of every run. */
function trainingLines(model: Model): string[] {
  const settings = describeTraining(model);
  return settings.length === 0 ? [] : [`Runs start from \`${settings.join('`, `')}\` where nothing else is said.`, ''];
}

const phaseOf = (model: Model): Phase => (model.flowSelection === undefined ? 'train' : 'search');

function structure(model: Model): string {
  const options = presetOptions(model, undefined);
  const request = { model, options, sizes: PAGE_SIZES, phase: phaseOf(model), batchSize: 1 };
  const { logits }: { logits: Tensor } = buildForward(request, false).forward;
  return figure({ logits }, new Set(networkOf(model, options, PAGE_SIZES).parameters.map(({ name }) => name)));
}

/** What one more row costs, without products of parameters alone, which run once a batch. */
function costPerRow(model: Model, options: CommonOptions): number {
  const { products } = inferenceGraph({ model, options, sizes: PAGE_SIZES, phase: phaseOf(model), batchSize: 1 });
  const of = (rows: number): number => products.reduce((sum, product) => sum + multiplyAdds(product, rows), 0);
  return of(2) - of(1);
}
