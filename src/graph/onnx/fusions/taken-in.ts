/** Which products a sum may take in. */
import { sameShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import type { GraphFacts } from './fusion.ts';

/** Is this operand of a sum a product of two float matrices, read by the sum only and stored as the sum is? */
export const isTakenIn = (operand: Tensor, sum: Tensor, facts: GraphFacts): operand is Tensor<'matmul'> =>
  operand.op === 'matmul' &&
  operand.inputs.every((input) => input.shape.length === 2) &&
  sameShape(operand.shape, sum.shape) &&
  facts.isReadOnce(operand) &&
  facts.isFlipped(operand) === facts.isFlipped(sum) &&
  !facts.isInt8(operand.inputs[1]);
