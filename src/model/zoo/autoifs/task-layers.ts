/**
 * The task side of AutoIFS. Five streams reach each task's answer: the merged path takes the shared and the task's own
 * map, each of the four flows takes one of them:
 *
 *   main: shared + own of m     flow 1: shared of d_s     flow 2: own of d_k     flow 3: own of d_s     flow 4: shared of d_k
 */
import { add, concat, matmul, relu, reshape, slice, type Tensor } from '../../../graph/index.ts';
import type { ForwardInputs } from '../../contract.ts';
import { linear } from '../../layers/linear.ts';
import { specificLora } from '../../layers/lora.ts';
import type { AutoifsOptions } from './options.ts';

type Inputs = ForwardInputs<AutoifsOptions>;

/** What the scenario side gives, [B, H] each. */
export interface ScenarioHalves {
  merged: Tensor;
  shared: Tensor;
  specific: Tensor;
}

/** main [B, T] and the four flows [B, T] ([B, 1] where a flow is the same for all tasks), before the gates. */
export const taskLayers = (halves: ScenarioHalves, inputs: Inputs): { main: Tensor; flows: Tensor[] } =>
  inputs.options.taskDims.length === 0 ? outputLayer(halves, inputs) : deepTaskLayers(halves, inputs);

/**
 * One task layer, the published network. All maps are linear, so the shared one and those of all tasks (multiplied out to
 * v_t = A_t B_t) stand side by side in one [H, 1+T] matrix and each stream is multiplied once.
 */
function outputLayer({ merged, shared, specific }: ScenarioHalves, { options, sizes, parameter }: Inputs) {
  const rank = options.loraRank;
  const height = merged.shape[1] as number;
  const own = Array.from({ length: sizes.tasks }, (_, t) =>
    rank === 0
      ? merged.graph.constant(new Array<number>(height).fill(0), [height, 1])
      : matmul(
          slice(parameter('task.0.lora.down'), 1, t * rank, (t + 1) * rank), // [H,r]
          slice(parameter('task.0.lora.up'), 0, t * rank, (t + 1) * rank), // [r,1]
        ),
  ); // v_t, [H,1] each
  const maps = concat([parameter('task.0.kernel'), ...own], 1); // [H,1+T]
  const ownBias = reshape(parameter('task.0.lora.bias'), [1, sizes.tasks]);
  const bias = concat([reshape(parameter('task.0.bias'), [1, 1]), ownBias], 1); // [1,1+T]

  const [m, s, k] = [merged, shared, specific].map((x) => {
    const all = add(matmul(x, maps), bias); // [B,1+T]
    return { common: slice(all, 1, 0, 1), own: slice(all, 1, 1, 1 + sizes.tasks) }; // [B,1], [B,T]
  });
  return { main: add(m.common, m.own), flows: [s.common, k.own, s.own, k.common] };
}

/** Hidden task layers: the five streams of each task stay apart, ReLU and dropout between layers. */
function deepTaskLayers({ merged, shared, specific }: ScenarioHalves, { options, sizes, parameter, dropout }: Inputs) {
  const last = options.taskDims.length;
  const perTask = Array.from({ length: sizes.tasks }, (_, task) => {
    let streams = [merged, shared, specific, shared, specific];
    for (let i = 0; i <= last; i++) {
      const name = `task.${i}`;
      const common = (x: Tensor): Tensor => linear(x, name, parameter);
      const own = (x: Tensor): Tensor => specificLora(x, task, name, options.loraRank, parameter);
      const [main, flow1, flow2, flow3, flow4] = streams;
      streams = [add(common(main), own(main)), common(flow1), own(flow2), own(flow3), common(flow4)]; // [B,width]
      if (i < last) streams = streams.map((x, stream) => dropout(relu(x), `${name}.task${task}.stream${stream}`));
    }
    return streams; // five times [B,1]
  });
  const columns = perTask[0].map((_, stream) =>
    concat(
      perTask.map((streams) => streams[stream]),
      1,
    ),
  ); // five times [B,T]
  return { main: columns[0], flows: columns.slice(1) };
}
