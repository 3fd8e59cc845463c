/** Numbers in the arrangement of a published implementation and in ours: `ReferenceTensor` says how they correspond. */
import type { ReferenceTensor } from './contract.ts';

/** Writes the reference's numbers into our parameters. */
export function placeReference(
  tensors: readonly ReferenceTensor[],
  numbers: (tensor: ReferenceTensor) => Float32Array,
  parameter: (name: string) => Float32Array,
): void {
  for (const tensor of tensors) {
    const target = parameter(tensor.parameter);
    numbers(tensor).forEach((value, index) => {
      target[tensor.place(index)] = value;
    });
  }
}

/** One reference tensor out of our parameter. */
export const arranged = ({ shape, place }: ReferenceTensor, parameter: ArrayLike<number>): Float32Array =>
  Float32Array.from(
    { length: shape.reduce((product, size) => product * size, 1) },
    (_, index) => parameter[place(index)],
  );
