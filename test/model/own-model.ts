/** A model of a user: a linear part next to a network. */
import { add } from '../../src/graph/index.ts';
import {
  defineModel,
  inputWidth,
  last,
  linear,
  mlp,
  modelOptions,
  network,
  option,
  widths,
} from '../../src/model/index.ts';

export default defineModel({
  key: 'wide-deep',
  title: 'Wide and deep',
  paper: 'Wide & Deep Learning for Recommender Systems, DLRS 2016',
  purpose: 'Adds a linear model to a network.',
  options: modelOptions('wide-deep', {
    dims: widths.min(1).default([8]).describe('widths of the network'),
    norm: option.norm,
  }),
  presets: {},
  build(options, sizes) {
    const inputs = inputWidth(options, sizes);
    const wide = linear('wide.answer', { inputs, outputs: sizes.tasks });
    const deep = mlp('deep', { inputs, dims: options.dims, norm: options.norm });
    const answer = linear('deep.answer', { inputs: last(options.dims), outputs: sizes.tasks });
    return network([wide, deep, answer], (step) => {
      const hidden = deep(step.embedding, step); // [B,n]
      return { logits: add(wide(step.embedding, step), answer(hidden, step)) }; // [B,T]
    });
  },
});
