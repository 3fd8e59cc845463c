/** Values that come from outside: fed inputs and stored constants. */
import { error } from '../../base/errors/index.ts';
import { fixedElements, showShape } from '../shape.ts';
import type { OpRule } from './rule.ts';

export const SOURCE_OPS: { input: OpRule<'input'>; constant: OpRule<'constant'> } = {
  input: {
    infer: (_inputs, { shape, type }) => ({ shape, type }),
    derivative: null,
    layout: 'natural',
    lower: (lowering, node) => lowering.input(node),
  },
  constant: {
    infer: (_inputs, { values, shape, type }) => {
      const expected = `${fixedElements(shape)} ${type === 'int32' ? 'whole numbers' : 'numbers'}`;
      if (values.length !== fixedElements(shape) || (type === 'int32' && !values.every(Number.isInteger)))
        throw error('GRAPH_SHAPE', {
          op: 'constant',
          shapes: `${showShape(shape)} of [${values.slice(0, 8)}]`,
          expected,
        });
      return { shape, type };
    },
    derivative: null,
    layout: 'natural',
    lower: (lowering, node) => lowering.constant(node),
  },
};
