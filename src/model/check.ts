/** Whether a definition keeps the contract: what a type checker says, and what it cannot. */
import { z } from 'zod';
import type { CommonOptions, ModelDefinition, ModelSizes, Network } from './contract.ts';

/** Names of a graph's own inputs: no parameter may have one. */
const RESERVED = [
  'embedding',
  'gateEmbedding',
  'scenario',
  'labels',
  'lossWeights',
  'rowWeights',
  'rows',
  'gates',
  'ids',
  'sequences',
  'sequenceMask',
];
const RESERVED_PREFIX = /^(buffer|dropout|noise|moment|weighting|idDecay|average|ranks)\./;

/** Data that a definition is tried on. */
const SIZES: ModelSizes = {
  fields: 2,
  scenarios: 2,
  tasks: 2,
  fieldNames: ['first', 'second'],
  orderedTasks: true,
  sequences: { types: 1, length: 2, itemField: 1 },
};

const text = z.string().min(1);
const call = z.custom((value) => typeof value === 'function', 'expected a function');

const shape = z.object({
  key: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'expected small letters, digits and single hyphens'),
  title: text,
  paper: text,
  purpose: text,
  options: z.custom((value) => value instanceof Object && 'safeParse' in value, 'expected a zod schema'),
  presets: z.record(z.string(), z.record(z.string(), z.unknown())),
  build: call,
});

/** Every mistake, with its place; none where the definition can be used. */
export function definitionProblems(definition: unknown): string[] {
  const parsed = shape.safeParse(definition);
  if (!parsed.success)
    return parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the definition'}: ${message}`);
  const model = definition as ModelDefinition<CommonOptions>;
  const defaults = model.options.safeParse({ key: model.key });
  if (!defaults.success)
    return defaults.error.issues.map(({ path, message }) => `options.${path.join('.')}: needs a default (${message})`);
  const options = defaults.data;
  return [...optionProblems(model.key, options), ...buildProblems(model, options)];
}

function optionProblems(key: string, options: CommonOptions): string[] {
  const expected = z.object({ key: z.literal(key), embeddingDim: z.int().min(1), dropout: z.number().min(0).lt(1) });
  const parsed = expected.safeParse(options);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `options.${path.join('.')}: ${message}`);
}

/** What its network for small data breaks; data that it refuses are not tried. */
function buildProblems(model: ModelDefinition<CommonOptions>, options: CommonOptions): string[] {
  if ((model.problems?.(options, SIZES) ?? []).length > 0) return [];
  let network: Network;
  try {
    network = model.build(options, SIZES);
  } catch (cause) {
    return [
      `build: throws for ${SIZES.fields} fields, ${SIZES.scenarios} scenarios and ${SIZES.tasks} tasks: ${cause}`,
    ];
  }
  const { parameters, buffers, forward, gateLogits } = network;
  if (!Array.isArray(parameters) || !Array.isArray(buffers) || typeof forward !== 'function')
    return ['build: expected { parameters, buffers, forward }, as `network(layers, forward)` makes it'];
  const names = parameters.map(({ name }) => name);
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  const taken = names.filter((name) => RESERVED.includes(name) || RESERVED_PREFIX.test(name));
  return [
    ...(names.length === 0 ? ['build: the network has no parameters'] : []),
    ...twice.map((name) => `build: two parameters are called "${name}": give each layer a name of its own`),
    ...taken.map((name) => `build: no parameter may be called "${name}": an input of the graph has that name`),
    ...((model.flowSelection === undefined) === (gateLogits === undefined)
      ? []
      : ['build: expected gateLogits in the network exactly where the definition has flowSelection']),
  ];
}
