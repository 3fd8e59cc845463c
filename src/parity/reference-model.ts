/** The model of a fixture, by the name and configuration of its reference, and numbers in its arrangement. */
import { TributaryError } from '../base/errors/index.ts';
import type { ReferenceLayout, ReferenceTensor } from '../interop/contract.ts';
import { layouts } from '../interop/registry.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../model/contract.ts';
import { networkOf } from '../model/network.ts';
import { findModel } from '../model/registry.ts';
import { type Fixture, NotUnderstood } from './fixture.ts';

export interface ReferenceModel {
  model: ModelDefinition<CommonOptions>;
  layout: ReferenceLayout<CommonOptions>;
  options: CommonOptions;
  sizes: ModelSizes;
  tableRows: number;
  /** Width of the embedding table. */
  dimension: number;
  /** Layout of the reference's dense parameters and buffers in ours. */
  tensors: ReferenceTensor[];
  buffers: ReferenceTensor[];
  /** The configuration of the fixture. */
  config: Record<string, unknown>;
}

/** Entries that say how the model was run, not what it is. They are in `config` or next to it. */
export interface RunEntries {
  mode: unknown;
  temperature: unknown;
}

/**
 * Finds the model and reads its configuration. Unread entries next to `config` that are not notes belong to the configuration, so read
 * everything else first: an entry that the model's layout does not know is an error.
 */
export function readReferenceModel(fixture: Fixture): ReferenceModel & RunEntries {
  const name = fixture.entry('model');
  const found = [...layouts].find(([, { models }]) => models.includes(String(name)));
  if (found === undefined) throw new NotUnderstood(`unknown model ${JSON.stringify(name)}`);
  const [key, layout] = found;
  const model = findModel(key);

  const { mode, temperature, ...inside } = record(fixture.entry('config'));
  const beside = { mode: fixture.entry('mode'), temperature: fixture.entry('temperature') };
  const config = merged(inside, fixture.unreadEntries());
  for (const key of Object.keys(config)) fixture.entry(key);
  const { options, sizes, tableRows } = readConfig(layout, config);
  return {
    model,
    layout,
    options,
    sizes,
    tableRows,
    dimension: networkOf(model, options, sizes).dimension,
    tensors: layout.tensors(options, sizes),
    buffers: layout.buffers?.(options, sizes) ?? [],
    config,
    mode: one('mode', beside.mode, mode),
    temperature: one('temperature', beside.temperature, temperature),
  };
}

function readConfig(layout: ReferenceLayout<CommonOptions>, config: Record<string, unknown>) {
  try {
    return layout.read(config);
  } catch (cause) {
    if (cause instanceof TributaryError && cause.code === 'CONFIG_INVALID') throw new NotUnderstood(cause.message);
    throw cause;
  }
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new NotUnderstood('it has no configuration');
  return value as Record<string, unknown>;
}

function merged(inside: Record<string, unknown>, beside: Record<string, unknown>): Record<string, unknown> {
  const keys = [...new Set([...Object.keys(inside), ...Object.keys(beside)])];
  return Object.fromEntries(keys.map((key) => [key, one(key, beside[key], inside[key])]));
}

/** An entry that may be in one of two places. */
function one(key: string, beside: unknown, inside: unknown): unknown {
  if (beside !== undefined && inside !== undefined && JSON.stringify(beside) !== JSON.stringify(inside))
    throw new NotUnderstood(
      `"${key}" is ${JSON.stringify(inside)} in its configuration and ${JSON.stringify(beside)} beside it`,
    );
  return beside ?? inside;
}

/** The reference's embedding tables by name: the one that learns, and the one that the frozen gate network reads. */
export const tableNames = ({ layout }: ReferenceModel): string[] =>
  [layout.table, layout.gateTable].filter((name) => name !== undefined);
