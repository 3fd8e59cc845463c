/**
 * Tensors of the Open Inference Protocol. They are checked before a graph sees them: an id outside of the table could fail or read
 * foreign memory. A request has either the tensors of the joint graph, or `scenario` and fields as texts and numbers.
 */
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { shown } from '../../base/shown.ts';
import type { Problem } from '../../config/files/problems.ts';
import { createRowEncoder, type EncoderSource } from '../../data/encode/encoder.ts';
import type { Value } from '../../runtime/contract.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { MOST_PROBLEMS, parsePart, parseRequest } from '../http/parse.ts';
import { requestFields } from './request-schema.ts';
import { scenarioValuesOf } from './rows.ts';

const size = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const parameters = z.record(z.string(), z.unknown()).optional();
const list = z.custom<unknown[]>(Array.isArray, 'expected a list');
/** A list whose entries are checked only if there are not too many. */
const shortList = (most: number) =>
  list.refine((entries) => entries.length <= most, `expected at most ${most} entries`);

const tensorSchema = z.strictObject({
  name: z.string(),
  shape: shortList(8)
    .meta({ type: 'array', minItems: 1, maxItems: 8, items: { type: 'integer' } })
    .pipe(z.array(size).min(1)),
  datatype: z.string(),
  parameters,
  data: list.meta({ type: 'array', description: 'Row after row, flat or as lists within lists.' }),
});

const outputSchema = z.strictObject({ name: z.string(), parameters });

/** How the document describes a list of entries, which the parser looks at one by one. */
const described = (entry: z.ZodType, minItems: number) => {
  const { $schema, ...items } = z.toJSONSchema(entry, { io: 'input', unrepresentable: 'any' });
  return { type: 'array' as const, minItems, maxItems: 1024, items };
};

export const inferSchema = z.strictObject({
  id: z.string().max(256).optional(),
  parameters,
  inputs: shortList(1024)
    .refine((entries) => entries.length > 0, 'expected at least 1 entry')
    .meta(described(tensorSchema, 1)),
  outputs: shortList(1024).meta(described(outputSchema, 0)).optional(),
});

type InputTensor = z.output<typeof tensorSchema>;

export interface InferRequest {
  id?: string;
  inputs: InputTensor[];
  outputs?: z.output<typeof outputSchema>[];
}

/** A tensor of an answer. */
export interface OutputTensor {
  name: string;
  datatype: 'FP32' | 'INT32';
  shape: number[];
  data: number[];
}

/** @throws REQUEST_INVALID */
export function parseInfer(body: unknown): InferRequest {
  const { id, inputs, outputs } = parseRequest(inferSchema, body);
  const problems: Problem[] = [];
  const parsed = {
    id,
    inputs: parseEach(tensorSchema, inputs, 'inputs', problems),
    outputs: outputs && parseEach(outputSchema, outputs, 'outputs', problems),
  };
  if (problems.length > 0) throw error('REQUEST_INVALID', { problems });
  return parsed;
}

/** Parses one entry after the other, until there are enough problems. */
function parseEach<T>(schema: z.ZodType<T>, entries: unknown[], name: string, problems: Problem[]): T[] {
  const parsed: T[] = [];
  for (let i = 0; i < entries.length && problems.length < MOST_PROBLEMS; i++) {
    const entry = parsePart(schema, entries[i], `${name}.${i}.`, problems);
    if (entry !== undefined) parsed.push(entry);
  }
  return parsed;
}

export interface TensorReader {
  /** Feeds of the joint graph. Throws TENSOR_INVALID, TOO_MANY_ITEMS, SCENARIO_UNKNOWN, ROW_VALUE_INVALID. */
  feeds(request: InferRequest): Record<string, Value>;
}

/** Reads tensors for one artifact. `most`: maximum number of rows. */
export function createTensorReader(manifest: ArtifactManifest, encoder: EncoderSource, most: number): TensorReader {
  const { unreadFields = [] } = manifest.data;
  const fields = requestFields(manifest.data);
  const rowEncoder = createRowEncoder(encoder);
  const names = new Set(fields.map(({ name }) => name));
  const numeric = new Set(fields.filter(({ kind }) => kind === 'numeric').map(({ name }) => name));
  const scenarioValues = scenarioValuesOf(manifest.data);
  /** Tensors of the graph, or of fields? If a field is called `ids`, too, the type of `scenario` decides. */
  const isOfGraph = (inputs: Map<string, InputTensor>): boolean =>
    inputs.has('ids') && (!names.has('ids') || inputs.get('scenario')?.datatype !== 'BYTES');
  return {
    feeds(request) {
      checkOutputs(request, manifest.graphs[0].outputs);
      const inputs = uniqueInputs(request);
      const rows = request.inputs[0].shape[0];
      if (rows > most) throw error('TOO_MANY_ITEMS', { found: rows, limit: most });
      if (rows === 0) throw error('TENSOR_INVALID', { tensor: request.inputs[0].name, problem: 'it has no rows' });
      for (const tensor of request.inputs)
        if (tensor.shape[0] !== rows)
          invalid(tensor, `it has ${tensor.shape[0]} rows, ${request.inputs[0].name} has ${rows}`);
      return isOfGraph(inputs) ? graphFeeds(inputs) : fieldFeeds(inputs, rows);
    },
  };

  function graphFeeds(inputs: Map<string, InputTensor>): Record<string, Value> {
    const { inputs: ports } = manifest.graphs[0];
    const unknown = [...inputs.values()].find(({ name }) => !ports.some((port) => port.name === name));
    if (unknown !== undefined) invalid(unknown, `the model has ${ports.map(({ name }) => name).join(', ')}`);
    return Object.fromEntries(
      ports.map(({ name, shape }) => {
        const tensor = inputs.get(name);
        if (tensor === undefined) throw error('TENSOR_INVALID', { tensor: name, problem: 'it is missing' });
        const expected = [tensor.shape[0], ...shape.slice(1).map(Number)];
        if (tensor.datatype !== 'INT32') invalid(tensor, `its type is ${shownType(tensor)}, expected INT32`);
        if (String(tensor.shape) !== String(expected))
          invalid(tensor, `its shape is [${tensor.shape}], expected [${expected}]`);
        const limit = name === 'scenario' ? manifest.data.scenarios.length : manifest.data.tableRows;
        return [name, { type: 'int32', shape: expected, data: integers(tensor, expected, limit) } satisfies Value];
      }),
    );
  }

  /** Encodes row after row from the values of its fields; sequences are empty. */
  function fieldFeeds(inputs: Map<string, InputTensor>, rows: number): Record<string, Value> {
    const known = [...names, ...unreadFields, 'scenario'];
    const unknown = [...inputs.values()].find(({ name }) => !known.includes(name));
    if (unknown !== undefined)
      invalid(unknown, `the model has ids and scenario, or scenario and fields: ${[...names].join(', ')}`);
    const scenarioTensor = inputs.get('scenario');
    if (scenarioTensor === undefined) throw error('TENSOR_INVALID', { tensor: 'scenario', problem: 'it is missing' });
    if (names.has('scenario') && !manifest.data.scenarioFields?.names.includes('scenario'))
      invalid(
        scenarioTensor,
        'the model has a field of this name that is not the scenario: send the tensors of the graph (ids and scenario as INT32)',
      );
    const read = [...inputs.values()].filter(({ name }) => !unreadFields.includes(name) || name === 'scenario');
    const columns = read.map((tensor) => ({
      name: tensor.name,
      values: column(tensor, rows, !numeric.has(tensor.name)),
    }));
    const { slots, sequences } = rowEncoder;
    const ids = new Int32Array(rows * slots);
    const scenario = new Int32Array(rows);
    const sequenceSize = sequences === undefined ? 0 : sequences.types.length * sequences.length;
    const items = new Int32Array(rows * sequenceSize);
    for (let row = 0; row < rows; row++) {
      const values: Record<string, unknown> = Object.create(null);
      for (const { name, values: all } of columns) values[name] = all[row];
      scenario[row] = scenarioIndex(values.scenario);
      const ofScenario = scenarioValues.get(manifest.data.scenarios[scenario[row]]);
      if (names.has('scenario')) delete values.scenario; // the field has the scenario's value, the tensor the scenario's name
      rowEncoder.encode(Object.assign(Object.create(null), ofScenario, values), ids, row * slots);
      if (sequences !== undefined) rowEncoder.encodeSequences({}, items, row * sequenceSize);
    }
    const feeds: Record<string, Value> = {
      ids: { type: 'int32', shape: [rows, slots], data: ids },
      scenario: { type: 'int32', shape: [rows], data: scenario },
    };
    if (sequences !== undefined)
      feeds.sequences = { type: 'int32', shape: [rows, sequences.types.length, sequences.length], data: items };
    return Object.fromEntries(manifest.graphs[0].inputs.map(({ name }) => [name, feeds[name]]));
  }

  function scenarioIndex(value: unknown): number {
    const index = manifest.data.scenarios.indexOf(String(value));
    if (index < 0)
      throw error('SCENARIO_UNKNOWN', { found: String(value).slice(0, 256), known: manifest.data.scenarios });
    return index;
  }
}

function invalid(tensor: InputTensor, problem: string): never {
  throw error('TENSOR_INVALID', { tensor: tensor.name.slice(0, 256), problem });
}

const shownType = ({ datatype }: InputTensor): string => datatype.slice(0, 32);

/** Throws unless the requested outputs are those of the graph, each once. */
function checkOutputs({ outputs = [] }: InferRequest, ports: readonly { name: string }[]): void {
  const asked = new Set<string>();
  for (const { name } of outputs) {
    const known = ports.map((port) => port.name);
    const problem = asked.has(name)
      ? 'it is requested twice'
      : `there is no such output: there are ${known.join(', ')}`;
    if (asked.has(name) || !known.includes(name))
      throw error('TENSOR_INVALID', { tensor: name.slice(0, 256), problem });
    asked.add(name);
  }
}

function uniqueInputs({ inputs }: InferRequest): Map<string, InputTensor> {
  const byName = new Map<string, InputTensor>();
  for (const tensor of inputs) {
    if (byName.has(tensor.name)) invalid(tensor, 'it is given twice');
    byName.set(tensor.name, tensor);
  }
  return byName;
}

/** Integers in [0, limit), row after row; nested lists are flattened. */
function integers(tensor: InputTensor, shape: number[], limit: number): Int32Array {
  const count = shape.reduce((product, n) => product * n, 1);
  const flat = tensor.data.some(Array.isArray) ? tensor.data.flat(shape.length) : tensor.data;
  if (flat.length !== count) invalid(tensor, `it has ${flat.length} numbers, its shape ${count}`);
  const data = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = flat[i];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= limit)
      invalid(tensor, `expected whole numbers from 0 to ${limit - 1}`);
    data[i] = value;
  }
  return data;
}

/** Does a value fit a type? `null` is an unknown value and fits all. */
const isOfType: Record<string, { expected: string; fits: (value: unknown) => boolean }> = {
  BYTES: { expected: 'texts', fits: (value) => typeof value === 'string' },
  BOOL: { expected: 'true or false', fits: (value) => typeof value === 'boolean' },
  INT8: wholeNumbers(-(2 ** 7), 2 ** 7 - 1),
  INT16: wholeNumbers(-(2 ** 15), 2 ** 15 - 1),
  INT32: wholeNumbers(-(2 ** 31), 2 ** 31 - 1),
  INT64: wholeNumbers(-(2 ** 63), 2 ** 63),
  UINT8: wholeNumbers(0, 2 ** 8 - 1),
  UINT16: wholeNumbers(0, 2 ** 16 - 1),
  UINT32: wholeNumbers(0, 2 ** 32 - 1),
  UINT64: wholeNumbers(0, 2 ** 64),
  FP32: {
    expected: 'numbers of 32 bits',
    fits: (value) => typeof value === 'number' && Number.isFinite(Math.fround(value)),
  },
  FP64: { expected: 'numbers of 64 bits', fits: (value) => typeof value === 'number' && Number.isFinite(value) },
};

function wholeNumbers(from: number, to: number): (typeof isOfType)[string] {
  return {
    expected: `whole numbers from ${BigInt(from)} to ${Number.isSafeInteger(to) ? to : BigInt(to) - 1n}`,
    fits: (value) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to,
  };
}

/** The values of a field: one for each row, or lists of n for [rows, n]. `isToken`: the field is not numeric. */
function column(tensor: InputTensor, rows: number, isToken: boolean): unknown[] {
  const { datatype, shape, data } = tensor;
  const type = Object.hasOwn(isOfType, datatype) ? isOfType[datatype] : undefined;
  if (type === undefined)
    invalid(tensor, `its type is ${shownType(tensor)}, expected one of ${Object.keys(isOfType).join(', ')}`);
  if (shape.length > 2) invalid(tensor, `its shape is [${shape}], expected [rows] or [rows, values]`);
  const width = shape[1] ?? 1;
  const flat = data.some(Array.isArray) ? data.flat() : data;
  if (flat.length !== rows * width) invalid(tensor, `it has ${flat.length} values, its shape ${rows * width}`);
  for (const value of flat) {
    if (typeof value === 'string' && !isToken && Math.abs(Number(value)) === Number.POSITIVE_INFINITY)
      invalid(tensor, `${shown(value)} is beyond what a number of 64 bits holds`);
    if (value !== null && !type.fits(value))
      invalid(tensor, `it has ${shown(value)}, its type is ${datatype}: expected ${type.expected}`);
    if (isToken && Number.isInteger(value) && !Number.isSafeInteger(value))
      invalid(tensor, `${value} is beyond the whole numbers that JSON carries exactly: send a BYTES tensor`);
  }
  return shape.length === 1 || width === 1
    ? flat
    : Array.from({ length: rows }, (_, row) => flat.slice(row * width, (row + 1) * width));
}

/** The requested outputs, or all if none is named. */
export function outputTensors(outputs: Record<string, Value>, { outputs: wanted = [] }: InferRequest): OutputTensor[] {
  const names = wanted.length === 0 ? Object.keys(outputs) : wanted.map(({ name }) => name);
  return names.map((name) => {
    const { shape, data } = outputs[name];
    return { name, datatype: data instanceof Int32Array ? 'INT32' : 'FP32', shape: [...shape], data: [...data] };
  });
}
