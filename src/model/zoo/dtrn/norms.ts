/**
 * The norms of the conditional transformer: a hypernetwork reads the embeddings of a task and a behaviour type (and, as our
 * extension, of a scenario) and generates the scales and shifts of all blocks.
 *
 *   h(t, k) = hyper([task_t ; type_k])    gamma_1 = 1 + h_0    beta_1 = h_1    gamma_2 = 1 + h_2    beta_2 = h_3
 *
 * They depend on no row: T*K sets (S*T*K with scenarios) are computed once a step.
 */
import { concat, expand, matmul, oneHot, reshape, slice, type Tensor, transpose } from '../../../graph/index.ts';
import type { ForwardInputs, ModelSizes, ParameterSpec, SequenceSizes } from '../../contract.ts';
import {
  forEachItem,
  generatedNormParameters,
  generatedNorms,
  type ScaleAndShift,
} from '../../layers/norms/conditional-norm.ts';
import type { DtrnOptions } from './options.ts';

type Inputs = ForwardInputs<DtrnOptions>;

/** What each norm is conditioned on, and how many there are of each: [T, S', K], S' being 1 where scenarios share norms. */
const conditions = (
  { scenarioConditioned }: DtrnOptions,
  { tasks, scenarios }: ModelSizes,
  { types }: SequenceSizes,
) => [
  { name: 'task', count: tasks },
  { name: 'scenario', count: scenarioConditioned ? scenarios : 1 },
  { name: 'type', count: types },
];

/** Of those, what has embeddings, in the order in which the hypernetwork reads them. */
const embedded = ({ scenarioConditioned }: DtrnOptions) =>
  scenarioConditioned ? ['task', 'type', 'scenario'] : ['task', 'type'];

/** All norms [T, S', K, 2N, 2, d]: two for each block, scale before shift. */
export function normTable(inputs: Inputs, sequences: SequenceSizes): Tensor {
  const { options, sizes, parameter } = inputs;
  const { conditionDim, embeddingDim, blocks } = options;
  const axes = conditions(options, sizes, sequences);
  const counts = axes.map(({ count }) => count); // T, S', K
  const parts = embedded(options).map((name) => {
    const along = axes.map((axis) => (axis.name === name ? axis.count : 1));
    return expand(reshape(parameter(`tim.${name}.embedding`), [...along, conditionDim]), [...counts, conditionDim]);
  });
  const every = concat(parts, 3); // [T,S',K,2c] or 3c
  const rows = counts.reduce((product, count) => product * count, 1);
  const generated = generatedNorms(
    reshape(every, [rows, parts.length * conditionDim]),
    'tim.hyper',
    embeddingDim,
    parameter,
  );
  return reshape(generated, [...counts, 2 * blocks, 2, embeddingDim]);
}

/**
 * One of the 2N norms, made for sequences of so many items: [T, 1, K*items*d]; or [T, B, K*items*d], by each row's scenario,
 * where scenarios have norms of their own.
 */
export function normAt(table: Tensor, index: number, items: number, { options, scenario }: Inputs): ScaleAndShift {
  const [tasks, scenarios, types] = table.shape as number[];
  const norm = slice(table, 3, index, index + 1); // [T,S',K,1,2,d]
  const numbers = (part: number): Tensor => {
    const sets = reshape(slice(norm, 4, part, part + 1), [tasks, scenarios, types, options.embeddingDim]);
    const long = forEachItem(sets, items); // [T,S',K*items*d]
    return options.scenarioConditioned ? matmul(oneHot(scenario, scenarios), long) : long;
  };
  return { scale: numbers(0), shift: numbers(1) };
}

/** The table as each row sees it [B, T, K, N, 4, d]; the same for all rows without norms of scenarios: [T, K, N, 4, d]. */
export function normsOfRows(table: Tensor, { options, scenario }: Inputs): Tensor {
  const [tasks, scenarios, types, , , dimension] = table.shape as number[];
  const shape = [tasks, types, options.blocks, 4, dimension];
  if (!options.scenarioConditioned) return reshape(table, shape);
  const numbers = shape.reduce((product, count) => product * count, 1);
  const byScenario = reshape(transpose(table, [1, 0, 2, 3, 4, 5]), [scenarios, numbers]);
  return reshape(matmul(oneHot(scenario, scenarios), byScenario), ['B', ...shape]);
}

export function normTableParameters(
  options: DtrnOptions,
  sizes: ModelSizes,
  sequences: SequenceSizes,
): ParameterSpec[] {
  const { conditionDim, hyperDim, blocks, embeddingDim } = options;
  const names = embedded(options);
  const axes = conditions(options, sizes, sequences).filter(({ name }) => names.includes(name));
  return [
    ...axes.map(
      ({ name, count }): ParameterSpec => ({
        name: `tim.${name}.embedding`,
        shape: [count, conditionDim],
        initializer: { kind: 'normal', deviation: 0.1 },
        group: 'weight',
      }),
    ),
    ...generatedNormParameters('tim.hyper', {
      inputs: names.length * conditionDim,
      hidden: hyperDim,
      outputs: 4 * blocks * embeddingDim,
    }),
  ];
}
