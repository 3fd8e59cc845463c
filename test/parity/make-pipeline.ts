/** A whole AutoIFS training in float64: search, rising temperature, rewind, retraining with hard gates, early stop. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../src/store/safetensors.ts';
import type { TensorView } from '../../src/store/tensors.ts';
import { configOf, floats, named, rowTensors, TOLERANCE } from './make.ts';
import {
  adam,
  copy,
  drawParameters,
  drawRows,
  forward,
  gateTableOf,
  gradients,
  learns,
  loss,
  type Parameters,
  type Rows,
  type Run,
  type Sizes,
} from './reference.ts';

export interface Training {
  batch: number;
  train: number;
  valid: number;
  lr: number;
  l2: number;
  r_lr: number;
  r_l2: number;
  search_epochs: number;
  rewind: number;
  final_temp: number;
  max_epochs: number;
  lambda: number[];
}

/** `runOn`: the last batch of an epoch is filled up with validation rows. */
export function makePipelineFixture(
  folder: string,
  name: string,
  sizes: Sizes,
  training: Training,
  seed: number,
  runOn: boolean,
): { early_stop_epoch: number | null } {
  const { train, valid, batch, search_epochs, final_temp, lambda, ...rest } = training;
  const all = drawRows(sizes, train + valid, seed);
  const slice = (from: number, to: number): Rows => ({
    ids: all.ids.slice(from, to),
    scenario: all.scenario.slice(from, to),
    labels: all.labels.slice(from, to),
  });
  const validation = slice(train, train + valid);
  const batches: Rows[] = [];
  for (let from = 0; from < train; from += batch)
    batches.push(slice(from, runOn ? from + batch : Math.min(train, from + batch)));

  const start = drawParameters(sizes, seed);
  const parameters = copy(start);
  const epoch = (run: Run, step: ReturnType<typeof adam>): number[] =>
    batches.map((rows) => {
      const before = loss(parameters, sizes, run, rows, gateTableOf(parameters, run));
      step(parameters, gradients(parameters, sizes, run, rows));
      return before;
    });

  const searchStep = adam((key) => {
    if (!learns(key, { mode: 'search', temperature: 1, lambda })) return undefined;
    return key.includes('gate') ? { lr: rest.lr * 0.01, weight_decay: 0 } : { lr: rest.lr, weight_decay: rest.l2 };
  });
  const searchLosses: number[] = [];
  const searchAreas: number[] = [];
  const temperatures: number[] = [];
  let rewind = start;
  for (let e = 0; e < search_epochs; e++) {
    if (e === rest.rewind) rewind = copy(parameters);
    const run: Run = { mode: 'search', temperature: final_temp ** (e / (search_epochs - 1)), lambda };
    temperatures.push(run.temperature);
    searchLosses.push(...epoch(run, searchStep));
    searchAreas.push(...areas(parameters, sizes, run, validation));
  }
  const searchFinal = copy(parameters);

  for (const [key, { data }] of parameters) {
    const gate = key.startsWith('gate_hypernet') || key.startsWith('gate_head');
    const source =
      key === 'gate_embedding.embedding'
        ? searchFinal.get('embedding.embedding')
        : (gate ? searchFinal : rewind).get(key);
    data.set(source?.data as Float64Array);
  }
  const retrainStart = copy(parameters);
  const ticket: Run = { mode: 'ticket', temperature: 1, lambda };
  const retrainStep = adam((key) => (learns(key, ticket) ? { lr: rest.r_lr, weight_decay: rest.r_l2 } : undefined));
  const retrainLosses: number[] = [];
  const retrainAreas: number[] = [];
  let best = { area: -1, parameters: copy(parameters) };
  let stopped: number | null = null;
  for (let e = 0; e < rest.max_epochs && stopped === null; e++) {
    retrainLosses.push(...epoch(ticket, retrainStep));
    const cells = areas(parameters, sizes, ticket, validation);
    retrainAreas.push(...cells);
    const defined = cells.filter((area) => !Number.isNaN(area));
    const area = defined.reduce((sum, value) => sum + value, 0) / defined.length;
    if (area > best.area) best = { area, parameters: copy(parameters) };
    else stopped = e;
  }

  const scored = validation.ids.map((ids, i) =>
    forward(best.parameters, sizes, ticket, ids, validation.scenario[i], gateTableOf(best.parameters, ticket)),
  );
  const gateLogits = scored.flatMap(({ perTask }) => perTask.flatMap((task) => task.gateLogits));
  const { scenarios: S, tasks: T } = sizes;
  const tensors: [string, TensorView][] = [
    ...rowTensors('input.train.', slice(0, train)),
    ...rowTensors('input.valid.', validation),
    ...named('param', start),
    ...named('rewind', rewind),
    ...named('search_final', searchFinal),
    ...named('retrain_start', retrainStart),
    ...named('retrain_best', best.parameters),
    ['output.search_losses', floats([searchLosses.length], searchLosses)],
    ['output.retrain_losses', floats([retrainLosses.length], retrainLosses)],
    ['output.search_valid_auc', floats([searchAreas.length / (S * T), S, T], searchAreas)],
    ['output.retrain_valid_auc', floats([retrainAreas.length / (S * T), S, T], retrainAreas)],
    ['output.valid_gate_logits', floats([valid, T, 4], gateLogits)],
    [
      'output.valid_hard_gates',
      floats(
        [valid, T, 4],
        gateLogits.map((logit) => Number(logit > 0)),
      ),
    ],
    [
      'output.valid_logits',
      floats(
        [valid, T],
        scored.flatMap(({ perTask }) => perTask.map(({ logit }) => logit)),
      ),
    ],
  ];
  writeSafetensors(join(folder, `${name}.safetensors`), tensors);
  const json = {
    model: 'AutoIFS',
    config: {
      ...configOf(sizes),
      batch,
      train_rows: train,
      valid_rows: valid,
      search_epochs,
      final_temp,
      reg_lambda: lambda,
      ...rest,
    },
    temperatures_per_search_epoch: temperatures,
    early_stop_epoch: stopped,
    best_mean_valid_auc: best.area,
    smallest_abs_valid_gate_logit: Math.min(...gateLogits.map(Math.abs)),
    tolerance: TOLERANCE,
  };
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(json));
  return { early_stop_epoch: stopped };
}

/** AUC of each scenario and task by counting pairs; NaN where a class is missing. */
function areas(parameters: Parameters, sizes: Sizes, run: Run, { ids, scenario, labels }: Rows): number[] {
  const gateTable = gateTableOf(parameters, run);
  const rows = ids.map((row, i) => forward(parameters, sizes, run, row, scenario[i], gateTable).perTask);
  return Array.from({ length: sizes.scenarios * sizes.tasks }, (_, cell) => {
    const [s, t] = [Math.floor(cell / sizes.tasks), cell % sizes.tasks];
    const of = (label: number): number[] =>
      rows.flatMap((row, i) => (scenario[i] === s && labels[i][t] === label ? [row[t].logit] : []));
    const [negatives, positives] = [of(0), of(1)];
    const wins = positives.flatMap((p) => negatives.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)));
    return wins.reduce<number>((sum, win) => sum + win, 0) / wins.length;
  });
}
