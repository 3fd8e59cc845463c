/** STAR, PEPNet and M2M against their formulas, row by row in plain loops: what the published numbers' sizes and options leave out. */
import type { OptionsOf } from '../../src/model/network.ts';
import type { M2mOptions } from '../../src/model/zoo/m2m.ts';
import type { PepnetOptions } from '../../src/model/zoo/pepnet.ts';
import type { star as starModel } from '../../src/model/zoo/star.ts';
import { headOf, holdsFormulas, type ModelFormulas, plus, type Row, range, relu, times, tower } from './formulas.ts';
import { M2M_CASES } from './m2m-cases.ts';
import { PEPNET_CASES } from './pepnet-cases.ts';
import { STAR_CASES } from './star-cases.ts';
import { sum } from './support.ts';

const leaky = (x: readonly number[]): number[] => x.map((value) => (value > 0 ? value : 0.1 * value));

function star(row: Row): number[] {
  const { setup, x, scenario, at, vector, dense } = row;
  const { starDims, sideDims, heads } = setup.options as OptionsOf<typeof starModel>;
  const normed = x.map((value, i) => {
    const standard =
      (value - at('buffer.norm.mean', scenario, i)) / Math.sqrt(at('buffer.norm.variance', scenario, i) + 1e-5);
    const shift = at('norm.shift', i) + at('norm.scenario.shift', scenario, i);
    return standard * at('norm.scale', i) * at('norm.scenario.scale', scenario, i) + shift;
  });
  const side = range(sideDims.length).reduce(
    (hidden, i) => relu(dense(`side.${i}`, hidden)),
    [...vector('scenario.embedding', scenario), ...x],
  );
  const sideLogits = dense(`side.${sideDims.length}`, side);
  return range(setup.sizes.tasks).map((task) => {
    const head = headOf(row, heads, task);
    const answer = [...starDims, 1].reduce((hidden, outputs, i) => {
      const next = range(outputs).map((out) => {
        const bias = at(`star.${i}.bias`, out) + at(`star.${i}.own.bias`, head, out);
        const kernel = (j: number) => at(`star.${i}.kernel`, j, out) * at(`star.${i}.own.kernel`, head, j, out);
        return bias + sum(hidden.map((value, j) => value * kernel(j)));
      });
      return i < starDims.length ? relu(next) : next;
    }, normed);
    return answer[0] + sideLogits[task];
  });
}

function pepnet(row: Row): number[] {
  const { setup, x, scenario, vector, dense } = row;
  const { inputFields, priorFields, embeddingDim, taskDims, towerDims, heads } = setup.options as PepnetOptions;
  const { tasks, fieldNames = [] } = setup.sizes;
  const named = (names: readonly string[]): number[] =>
    x.filter((_, i) => names.length === 0 || names.includes(fieldNames[Math.floor(i / embeddingDim)]));
  const factors = (name: string, v: readonly number[], member?: number): number[] =>
    dense(`${name}.1`, relu(dense(`${name}.0`, v, member)), member).map((u) => 2 / (1 + Math.exp(-u)));
  const input = named(inputFields);
  const o = times(factors('input.gate', [...vector('scenario.embedding', scenario), ...input]), input);
  const q = [...named(priorFields), ...o];
  return range(tasks).map((task) => {
    const last = range(taskDims.length).reduce(
      (hidden, i) => times(relu(dense(`task.${i}`, hidden, task)), factors(`task.${i}.gate`, q, task)),
      o,
    );
    return tower(row, towerDims, headOf(row, heads, task), last);
  });
}

function m2m(row: Row): number[] {
  const { setup, x, scenario, vector, dense } = row;
  const options = setup.options as M2mOptions;
  const s = leaky(dense('scenario.vector', vector('scenario.embedding', scenario)));
  /** A meta unit: `depth` layers made out of s. */
  const meta = (name: string, depth: number, h: number[], activateLast = true): number[] =>
    range(depth).reduce((hidden, i) => {
      const [kernel, bias] = [dense(`${name}.${i}.kernels`, s), dense(`${name}.${i}.biases`, s)];
      const next = bias.map((b, out) => b + sum(hidden.map((value, j) => value * kernel[j * bias.length + out])));
      return activateLast || i < depth - 1 ? leaky(next) : next;
    }, h);
  const experts = range(options.experts).map((k) => leaky(dense('expert', x, k)));
  return range(setup.sizes.tasks).map((task) => {
    const tau = leaky(dense('task.vector', vector('task.embedding', task)));
    const powers = experts.map((expert) => {
      const attended = meta('attention', options.attentionDepth, [...expert, ...tau]);
      return Math.exp(sum(times(attended, vector('attention.vector', task))));
    });
    const mixed = range(options.width).map((i) =>
      sum(experts.map((expert, k) => (powers[k] / sum(powers)) * expert[i])),
    );
    const last = range(options.towerLayers).reduce(
      (h, j) => leaky(plus(meta(`meta.${j}`, options.towerDepth, h, options.towerInnerActivation), h)),
      mixed,
    );
    return tower(row, options.towerDims, headOf(row, options.heads, task), last);
  });
}

const MODELS: ModelFormulas[] = [
  ['star', star, STAR_CASES],
  ['pepnet', pepnet, PEPNET_CASES],
  ['m2m', m2m, M2M_CASES],
];

holdsFormulas(MODELS);
