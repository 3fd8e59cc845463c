/** Values that come from outside: fed inputs and stored constants. */
import type { OpRule } from './rule.ts';

export const SOURCE_OPS: { input: OpRule<'input'>; constant: OpRule<'constant'> } = {
  input: {
    infer: (_inputs, { shape, type }) => ({ shape, type }),
    derivative: null,
    layout: 'natural',
    emit: (emitter, node) => emitter.input(node),
  },
  constant: {
    infer: (_inputs, { shape, type }) => ({ shape, type }),
    derivative: null,
    layout: 'natural',
    emit: (emitter, node) => emitter.constant(node),
  },
};
