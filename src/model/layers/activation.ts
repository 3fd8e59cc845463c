/** Activations that are no op of their own. */
import { maximum, mul, type Tensor } from '../../graph/index.ts';

/** x above 0, slope * x below. 0 < slope < 1. */
export const leakyRelu = (x: Tensor, slope: number): Tensor => maximum(x, mul(x, slope));
