/** `x > 0` as a number, the mask of relu's derivative, in one pass over memory instead of two (Greater, Cast). */
import { sameShape } from '../../shape.ts';
import { isOp, type Tensor } from '../../tensor.ts';
import type { Fusion } from './fusion.ts';

/** HardSigmoid is a straight line of slope 3e38 through 0, cut off at 0 and 1. */
export const POSITIVE_MASK: Fusion = {
  name: 'positive mask',
  match: (node) => {
    if (node.op !== 'cast' || node.type !== 'float32' || node.inputs[0].op !== 'greater') return undefined;
    const [x, bound] = node.inputs[0].inputs;
    if (x.type !== 'float32' || !isZero(bound) || !sameShape(x.shape, node.shape)) return undefined;
    return ({ build, storage }) =>
      build.add('HardSigmoid', [storage.aligned(x, node)], { alpha: { float: 3e38 }, beta: { float: 0 } });
  },
};

const isZero = (x: Tensor): boolean => isOp(x, 'constant') && x.attributes.values.every((value) => value === 0);
