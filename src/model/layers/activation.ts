/** Activations that are no op of their own. */
import { cast, greater, maximum, mul, type Tensor } from '../../graph/index.ts';

/** x above 0, slope * x below. 0 < slope < 1. Written as a product with its own derivative, which the backward pass so gets for nothing. */
export const leakyRelu = (x: Tensor, slope: number): Tensor => mul(x, maximum(cast(greater(x, 0), 'float32'), slope));
