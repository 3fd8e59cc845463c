/** Fixtures for tests: copies with a change, and new ones of any size from the float64 reference. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.ts';
import type { StoredTensor, TensorView } from '../../src/store/tensors.ts';
import {
  adam,
  copy,
  drawParameters,
  drawRows,
  fieldOffsets,
  forward,
  type Group,
  gateTableOf,
  gradients,
  learns,
  loss,
  type Parameters,
  type Rows,
  type Run,
  type Sizes,
} from './reference.ts';

export const FIXTURES = 'test/fixtures';

// biome-ignore lint/suspicious/noExplicitAny: tests reach into JSON of any form
type Json = Record<string, any>;
export interface Content {
  json: Json;
  tensors: Map<string, StoredTensor>;
}

/** The numbers of a tensor, to be changed. */
export const float = (tensors: Content['tensors'], name: string): Float32Array =>
  (tensors.get(name) as StoredTensor).data as Float32Array;

/** Copies a fixture under a new name after a change. */
export function copyFixture(
  name: string,
  folder: string,
  newName: string,
  change: (content: Content) => void = () => {},
): void {
  const from = join(FIXTURES, name);
  const to = join(folder, newName);
  const json = JSON.parse(readFileSync(`${from}.json`, 'utf8')) as Json;
  const tensors = existsSync(`${from}.safetensors`) ? readSafetensors(`${from}.safetensors`).tensors : new Map();
  change({ json, tensors });
  writeFileSync(`${to}.json`, JSON.stringify(json));
  if (tensors.size > 0) writeSafetensors(`${to}.safetensors`, tensors);
  if (existsSync(from)) cpSync(from, to, { recursive: true });
}

export const TOLERANCE = {
  output: { rtol: 1e-4, atol: 1e-5 },
  'output.loss': { rtol: 1e-5, atol: 1e-6 },
  grad: { rtol: 1e-3, atol: 1e-6 },
  adam3: { rtol: 0, atol: 2e-5, where: '|grad| >= 1e-6' },
  'integer tensors': 'exact',
};

export const floats = (shape: number[], data: ArrayLike<number>): TensorView => ({
  shape,
  data: Float32Array.from(data),
});
const ints = (shape: number[], data: ArrayLike<number>): TensorView => ({ shape, data: Int32Array.from(data) });

export function rowTensors(prefix: string, { ids, scenario, labels }: Rows): [string, TensorView][] {
  return [
    [`${prefix}ids`, ints([ids.length, ids[0].length], ids.flat())],
    [`${prefix}scenario`, ints([ids.length], scenario)],
    [`${prefix}labels`, floats([ids.length, labels[0].length], labels.flat())],
  ];
}

export const named = (kind: string, parameters: Parameters): [string, TensorView][] =>
  [...parameters].map(([name, { shape, data }]) => [`${kind}.${name}`, floats(shape, data)]);

export const configOf = (sizes: Sizes): Json => ({
  vocab: sizes.vocab,
  field_offsets: fieldOffsets(sizes),
  feat_num: sizes.vocab.reduce((sum, size) => sum + size, 0),
  dim: sizes.dim,
  scenarios: sizes.scenarios,
  tasks: sizes.tasks,
  mlp_dims: sizes.mlp,
  lora_r: sizes.rank,
});

const GROUPS: Record<'weights' | 'gates', Group> = {
  weights: { lr: 2e-3, weight_decay: 1e-3 },
  gates: { lr: 5e-5, weight_decay: 0 },
};

/** One batch with outputs, gradients and both kinds of Adam steps. */
export function makeModelFixture(folder: string, name: string, sizes: Sizes, run: Run, seed: number): void {
  const parameters = drawParameters(sizes, seed);
  const rows = drawRows(sizes, sizes.rows, seed);
  const results = rows.ids.map((ids, i) =>
    forward(parameters, sizes, run, ids, rows.scenario[i], gateTableOf(parameters, run)),
  );
  const { rows: B, tasks: T } = sizes;
  const all = <K extends 'gateLogits' | 'gates' | 'flows'>(key: K): number[] =>
    results.flatMap((r) => r.perTask.flatMap((task) => task[key]));
  const half = (key: 'shared' | 'specific') =>
    floats(
      [B, sizes.mlp[2]],
      results.flatMap((r) => r[key]),
    );
  const plain = train(parameters, sizes, run, rows, () => ({ lr: 1e-3, weight_decay: 0 }));
  const groups = run.mode === 'search' ? GROUPS : { weights: GROUPS.weights, gates: null };
  const grouped = train(parameters, sizes, run, rows, (key) =>
    key.includes('gate') ? (groups.gates ?? undefined) : groups.weights,
  );
  writeSafetensors(join(folder, `${name}.safetensors`), [
    ...rowTensors('input.', rows),
    [
      'output.logits',
      floats(
        [B, T],
        results.flatMap((r) => r.perTask.map(({ logit }) => logit)),
      ),
    ],
    ['output.loss', floats([], [plain.losses[0]])],
    ['output.gate_logits', floats([B, T, 4], all('gateLogits'))],
    ['output.gates', floats([B, T, 4], all('gates'))],
    ['output.flows', floats([B, T, 5], all('flows'))],
    ['output.scenario_shared', half('shared')],
    ['output.scenario_specific', half('specific')],
    ...named('param', parameters),
    ...named('grad', gradients(parameters, sizes, run, rows)),
    ...named('adam3', plain.parameters),
    ...named('adam3_groups', grouped.parameters),
  ]);
  const rates = Array.from({ length: T }, (_, t) =>
    [0, 1, 2, 3].map((k) => results.reduce((sum, r) => sum + r.perTask[t].gates[k] / B, 0)),
  );
  const json: Json = {
    model: 'AutoIFS',
    mode: run.mode,
    temperature: run.temperature,
    reg_lambda: run.lambda,
    config: configOf(sizes),
    optimiser_groups: groups,
    losses_before_each_adam3_step: plain.losses,
    smallest_abs_gate_logit: Math.min(...all('gateLogits').map(Math.abs)),
    gate_rate: rates,
    no_gradient: [...parameters.keys()].filter((key) => !learns(key, run)),
    tolerance: TOLERANCE,
  };
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(json));
}

/** Three steps on one batch. */
function train(start: Parameters, sizes: Sizes, run: Run, rows: Rows, groupOf: (name: string) => Group | undefined) {
  const parameters = copy(start);
  const step = adam((name) => (learns(name, run) ? groupOf(name) : undefined));
  const losses = [1, 2, 3].map(() => {
    const before = loss(parameters, sizes, run, rows, gateTableOf(parameters, run));
    step(parameters, gradients(parameters, sizes, run, rows));
    return before;
  });
  return { parameters, losses };
}
