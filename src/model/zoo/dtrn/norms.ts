/**
 * The norms of the conditional transformer: a hypernetwork reads the embeddings of a task and a behaviour type (and, as our
 * extension, of a scenario) and generates the scales and shifts of all blocks.
 *
 *   h(t, k) = hyper([task_t ; type_k])    gamma_1 = 1 + h_0    beta_1 = h_1    gamma_2 = 1 + h_2    beta_2 = h_3
 *
 * They depend on no row: T*K sets (S*T*K with scenarios) are computed once a step.
 */
import { concat, expand, matmul, oneHot, reshape, slice, type Tensor, transpose } from '../../../graph/index.ts';
import type { Layer, ModelSizes, SequenceSizes, Step } from '../../contract.ts';
import { layer, parameter } from '../../layers/layer.ts';
import { forEachItem, generatedNorms, type ScaleAndShift } from '../../layers/norms/conditional-norm.ts';
import type { DtrnOptions } from './options.ts';

/** All norms [T, S', K, 2N, 2, d]: two for each block, scale before shift. S' is 1 where scenarios share norms. */
export function normTable(options: DtrnOptions, sizes: ModelSizes, { types }: SequenceSizes): Layer<[]> {
  const { conditionDim, hyperDim, blocks, embeddingDim: dimension, scenarioConditioned } = options;
  const counts = [sizes.tasks, scenarioConditioned ? sizes.scenarios : 1, types]; // T, S', K
  const condition = (name: string, axis: number): Layer<[]> => {
    const table = parameter(`tim.${name}.embedding`, [counts[axis], conditionDim], { kind: 'normal', deviation: 0.1 });
    const along = counts.map((count, i) => (i === axis ? count : 1));
    const call = (step: Step) => expand(reshape(table(step), [...along, conditionDim]), [...counts, conditionDim]);
    return layer([table], call); // [T,S',K,c]
  };
  const [task, scenario, type] = [condition('task', 0), condition('scenario', 1), condition('type', 2)];
  const read = scenarioConditioned ? [task, type, scenario] : [task, type];
  const inputs = read.length * conditionDim;
  const hyper = generatedNorms('tim.hyper', { inputs, hidden: hyperDim, norms: 2 * blocks, dimension });
  return layer([task, ...(scenarioConditioned ? [scenario] : []), type, hyper], (step: Step) => {
    const every = read.map((one) => one(step)).reduce((all, one) => concat([all, one], 3)); // [T,S',K,2c] or 3c
    const generated = hyper(reshape(every, [counts[0] * counts[1] * counts[2], inputs]), step); // [T*S'*K,2N,2,d]
    return reshape(generated, [...counts, 2 * blocks, 2, dimension]); // [T,S',K,2N,2,d]
  });
}

/** One of the 2N norms, for sequences of `length` items: [T, 1, K*L*d]; or [T, B, K*L*d] by each row's scenario. */
export function normAt(table: Tensor, index: number, length: number, options: DtrnOptions, step: Step): ScaleAndShift {
  const [tasks, scenarios, types, , , dimension] = table.shape as number[];
  const norm = slice(table, 3, index, index + 1); // [T,S',K,1,2,d]
  const numbers = (part: number): Tensor => {
    const sets = reshape(slice(norm, 4, part, part + 1), [tasks, scenarios, types, dimension]);
    const long = forEachItem(sets, length); // [T,S',K*L*d]
    return options.scenarioConditioned ? matmul(oneHot(step.scenario, scenarios), long) : long;
  };
  return { scale: numbers(0), shift: numbers(1) };
}

/** The table as each row sees it [B, T, K, N, 4, d]; the same for all rows without norms of scenarios: [T, K, N, 4, d]. */
export function normsOfRows(table: Tensor, { blocks, scenarioConditioned }: DtrnOptions, { scenario }: Step): Tensor {
  const [tasks, scenarios, types, , , dimension] = table.shape as number[];
  const shape = [tasks, types, blocks, 4, dimension];
  if (!scenarioConditioned) return reshape(table, shape);
  const numbers = shape.reduce((product, count) => product * count, 1);
  const byScenario = reshape(transpose(table, [1, 0, 2, 3, 4, 5]), [scenarios, numbers]);
  return reshape(matmul(oneHot(scenario, scenarios), byScenario), ['B', ...shape]);
}
