/** Sizes that are known at run time only, read from the shape of an input. */
import { error } from '../../base/errors/index.ts';
import type { NodeBuilder, RuntimeSizes, ValueName } from '../ops/lowering.ts';
import { batchMultiple, isBatch, type Shape } from '../shape.ts';
import type { Port } from './lowered.ts';

export class InputSizes implements RuntimeSizes {
  readonly #build: NodeBuilder;
  readonly #inputs: readonly Port[];

  constructor(build: NodeBuilder, inputs: readonly Port[]) {
    this.#build = build;
    this.#inputs = inputs;
  }

  batch(): ValueName {
    const build = this.#build;
    return build.once('batch size', () => {
      const source = this.#inputs.find(({ shape }) => shape.some(isBatch));
      if (source === undefined)
        throw error('GRAPH_INVALID', { node: 'expand', problem: 'it needs the batch size, but no input has a batch' });
      const axis = source.shape.findIndex(isBatch);
      const multiple = batchMultiple(source.shape[axis]);
      const shape = build.add('Shape', [source.name]);
      const size = build.add('Slice', [shape, build.int64s([axis]), build.int64s([axis + 1])]);
      return multiple === 1 ? size : build.add('Div', [size, build.int64s([multiple])]);
    });
  }

  shape(shape: Shape): ValueName {
    if (!shape.some(isBatch)) return this.#build.int64s(shape as number[]);
    const parts = shape.map((dim) =>
      isBatch(dim) ? this.#times(this.batch(), batchMultiple(dim)) : this.#build.int64s([dim]),
    );
    return parts.length === 1 ? parts[0] : this.#build.add('Concat', parts, { axis: 0 });
  }

  #times(size: ValueName, multiple: number): ValueName {
    return multiple === 1 ? size : this.#build.add('Mul', [size, this.#build.int64s([multiple])]);
  }
}
