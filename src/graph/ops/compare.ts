/** Comparisons, casts and choice. Conditions are boolean tensors. */
import { cast, mul, sub, sumTo } from '../functions/index.ts';
import { broadcast } from '../shape.ts';
import { type OpRule, oneType } from './rule.ts';

type Comparison = 'less' | 'greater' | 'equal';

const comparison = <K extends Comparison>(onnx: 'Less' | 'Greater' | 'Equal'): OpRule<K> => ({
  infer: ([a, b]) => {
    oneType(onnx, [a, b]);
    return { shape: broadcast(onnx, a.shape, b.shape), type: 'bool' };
  },
  derivative: null,
  layout: 'elementwise',
  lower: ({ build, storage }, node) =>
    build.add(
      onnx,
      node.inputs.map((input) => storage.aligned(input, node)),
    ),
});

export const COMPARE_OPS: { [K in Comparison]: OpRule<K> } & { cast: OpRule<'cast'>; where: OpRule<'where'> } = {
  less: comparison('Less'),
  greater: comparison('Greater'),
  equal: comparison('Equal'),
  cast: {
    infer: ([x], { to }) => ({ shape: x.shape, type: to }),
    derivative: null,
    layout: 'elementwise',
    lower: ({ build, storage }, node) => build.cast(storage.aligned(node.inputs[0], node), node.attributes.to),
  },
  where: {
    infer: ([condition, a, b]) => {
      oneType('where', [condition], 'bool');
      return {
        shape: broadcast('where', condition.shape, broadcast('where', a.shape, b.shape)),
        type: oneType('where', [a, b]),
      };
    },
    derivative: (node, gradient) => {
      const [condition, a, b] = node.inputs;
      const chosen = cast(condition, 'float32');
      return [undefined, sumTo(mul(gradient, chosen), a.shape), sumTo(mul(gradient, sub(1, chosen)), b.shape)];
    },
    layout: 'elementwise',
    lower: ({ build, storage }, node) =>
      build.add(
        'Where',
        node.inputs.map((input) => storage.aligned(input, node)),
      ),
  },
};
