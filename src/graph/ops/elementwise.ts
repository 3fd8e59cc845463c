/** Ops that work number by number; two operands are broadcast against each other. */
import { add, cast, div, greater, less, mul, neg, reciprocal, sigmoid, sub, sumTo } from '../functions/index.ts';
import { broadcast } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { OpName } from './attributes.ts';
import type { PlainOnnxOp } from './lowering.ts';
import { type OpRule, oneType } from './rule.ts';

type Unary =
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'reciprocal'
  | 'abs'
  | 'relu'
  | 'sigmoid'
  | 'tanh'
  | 'softplus'
  | 'stopGradient';
type Binary = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum';

/** `slope` gives d(result)/d(input) times the gradient. */
function unary<K extends Unary>(
  onnx: PlainOnnxOp,
  slope: (x: Tensor, y: Tensor, gradient: Tensor) => Tensor,
): OpRule<K> {
  return {
    infer: ([x]) => ({ shape: x.shape, type: oneType(onnx, [x], 'float32') }),
    derivative: (node, gradient) => [slope(node.inputs[0], node, gradient)],
    layout: 'elementwise',
    lower: ({ build, storage }, node) => build.add(onnx, [storage.aligned(node.inputs[0], node)]),
  };
}

/** `slopes` gives the gradients of both operands before they are summed back to the operands' shapes. */
function binary<K extends Binary>(
  onnx: PlainOnnxOp,
  slopes: (a: Tensor, b: Tensor, y: Tensor, gradient: Tensor) => [() => Tensor, () => Tensor],
): OpRule<K> {
  return {
    infer: ([a, b]) => ({ shape: broadcast(onnx, a.shape, b.shape), type: oneType(onnx, [a, b]) }),
    derivative: (node, gradient) => {
      const [a, b] = node.inputs;
      const parts = slopes(a, b, node, gradient);
      return [a, b].map((operand, i) => (carriesGradient(operand) ? sumTo(parts[i](), operand.shape) : undefined));
    },
    layout: 'elementwise',
    lower: ({ build, storage }, node) =>
      build.add(
        onnx,
        node.inputs.map((input) => storage.aligned(input, node)),
      ),
  };
}

const carriesGradient = (tensor: Tensor): boolean => tensor.op !== 'constant' && tensor.type === 'float32';

/** 1 where the condition holds, 0 elsewhere: a product with it is cheaper than a choice (`Where`). */
const mask = (condition: Tensor): Tensor => cast(condition, 'float32');

export const ELEMENTWISE_OPS: { [K in Unary | Binary]: OpRule<K & OpName> } = {
  neg: unary('Neg', (_x, _y, g) => neg(g)),
  exp: unary('Exp', (_x, y, g) => mul(g, y)),
  // In float64: the float32 kernel works on eight numbers at a time and rounds the remaining ones of a tensor
  // differently.
  log: {
    ...unary('Log', (x, _y, g) => div(g, x)),
    lower: ({ build, storage }, node) => {
      const wide = build.cast(storage.aligned(node.inputs[0], node), 'float64');
      return build.cast(build.add('Log', [wide]), 'float32');
    },
  },
  sqrt: unary('Sqrt', (_x, y, g) => div(mul(g, 0.5), y)),
  reciprocal: unary('Reciprocal', (_x, y, g) => neg(mul(g, mul(y, y)))),
  abs: unary('Abs', (x, _y, g) => mul(g, sub(mask(greater(x, 0)), mask(less(x, 0))))),
  // The mask is taken from the output, so that nothing but the relu reads its input and both can be one kernel. The
  // slope at 0 is 0.
  relu: unary('Relu', (_x, y, g) => mul(g, mask(greater(y, 0)))),
  sigmoid: unary('Sigmoid', (_x, y, g) => mul(g, mul(y, sub(1, y)))),
  tanh: unary('Tanh', (_x, y, g) => mul(g, sub(1, mul(y, y)))),
  softplus: unary('Softplus', (x, _y, g) => mul(g, sigmoid(x))),
  stopGradient: {
    infer: ([x]) => ({ shape: x.shape, type: x.type }),
    derivative: null,
    layout: 'elementwise',
    lower: ({ storage }, node) => storage.aligned(node.inputs[0], node),
  },
  add: binary('Add', (_a, _b, _y, g) => [() => g, () => g]),
  // A subtracted mean has few numbers: its gradient is summed first, then negated.
  sub: binary('Sub', (_a, b, _y, g) => [() => g, () => neg(sumTo(g, b.shape))]),
  mul: binary('Mul', (a, b, _y, g) => [() => mul(g, b), () => mul(g, a)]),
  div: binary('Div', (_a, b, y, g) => [() => mul(g, reciprocal(b)), () => neg(mul(g, div(y, b)))]),
  // Ties give each operand half of the gradient.
  maximum: binary('Max', (a, b, _y, g) => [() => mul(g, share(a, b)), () => mul(g, share(b, a))]),
  minimum: binary('Min', (a, b, _y, g) => [() => mul(g, share(b, a)), () => mul(g, share(a, b))]),
};

/** 1 where a > b, one half where they tie, 0 elsewhere. */
const share = (a: Tensor, b: Tensor): Tensor =>
  add(mul(mask(greater(a, b)), 0.5), sub(0.5, mul(mask(less(a, b)), 0.5)));
