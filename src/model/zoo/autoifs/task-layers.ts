/**
 * The task side of AutoIFS. Five streams reach each task's answer: the merged path takes the shared and the task's own
 * map, each of the four flows takes one of them:
 *
 *   main: shared + own of m     flow 1: shared of d_s     flow 2: own of d_k     flow 3: own of d_s     flow 4: shared of d_k
 */
import { add, concat, matmul, relu, reshape, slice, type Tensor } from '../../../graph/index.ts';
import type { Layer, ModelSizes, Step } from '../../contract.ts';
import { layer, times } from '../../layers/layer.ts';
import { type Lora, loras } from '../../layers/lora.ts';
import { type AutoifsOptions, parts } from './options.ts';

/** What the scenario side gives, [B, H] each. */
export interface ScenarioHalves {
  merged: Tensor;
  shared: Tensor;
  specific: Tensor;
}

/** main [B, T] and the four flows [B, T] ([B, 1] where a flow is the same for all tasks), before the gates. */
interface Streams {
  main: Tensor;
  flows: Tensor[];
}

export function taskSide(options: AutoifsOptions, inputs: number, sizes: ModelSizes): Layer<[ScenarioHalves], Streams> {
  const { loraRank: rank, loraInit: init } = options;
  const layers = loras('task', { inputs, dims: parts(options).task, count: sizes.tasks, rank, init });
  return layer(layers, (halves: ScenarioHalves, step: Step) =>
    layers.length === 1 ? outputLayer(layers[0], halves, rank, sizes, step) : deepLayers(layers, halves, sizes, step),
  );
}

/**
 * One task layer, the published network. All maps are linear, so the shared one and those of all tasks (multiplied out to
 * v_t = A_t B_t) stand next to each other in one [H, 1+T] matrix and each stream is multiplied once.
 */
function outputLayer(task: Lora, halves: ScenarioHalves, rank: number, { tasks }: ModelSizes, step: Step): Streams {
  const { merged, shared, specific } = halves;
  const height = merged.shape[1] as number;
  const own = times(tasks, (t) =>
    rank === 0 ? merged.graph.constant(new Array<number>(height).fill(0), [height, 1]) : task.product(t, step),
  ); // v_t, [H,1] each
  const maps = concat([task.common.kernel(step), ...own], 1); // [H,1+T]
  const ownBias = reshape(task.biases(step), [1, tasks]);
  const bias = concat([reshape(task.common.bias(step), [1, 1]), ownBias], 1); // [1,1+T]

  const [m, s, k] = [merged, shared, specific].map((x) => {
    const all = add(matmul(x, maps), bias); // [B,1+T]
    return { common: slice(all, 1, 0, 1), own: slice(all, 1, 1, 1 + tasks) }; // [B,1], [B,T]
  });
  return { main: add(m.common, m.own), flows: [s.common, k.own, s.own, k.common] };
}

/** Hidden task layers: the five streams of each task stay apart, ReLU and dropout between layers. */
function deepLayers(layers: Lora[], halves: ScenarioHalves, { tasks }: ModelSizes, step: Step): Streams {
  const { merged, shared, specific } = halves;
  const perTask = times(tasks, (task) =>
    layers.reduce(
      ([main, flow1, flow2, flow3, flow4], { common, ofTask }, i) => {
        const own = (x: Tensor): Tensor => ofTask(x, task, step);
        const shareds = (x: Tensor): Tensor => common(x, step);
        const streams = [add(shareds(main), own(main)), shareds(flow1), own(flow2), own(flow3), shareds(flow4)]; // [B,width]
        if (i === layers.length - 1) return streams; // [B,1] each
        return streams.map((x, stream) => step.dropout(relu(x), `task.${i}.task${task}.stream${stream}`));
      },
      [merged, shared, specific, shared, specific],
    ),
  );
  const columns = perTask[0].map((_, stream) =>
    concat(
      perTask.map((streams) => streams[stream]),
      1,
    ),
  ); // five times [B,T]
  return { main: columns[0], flows: columns.slice(1) };
}
