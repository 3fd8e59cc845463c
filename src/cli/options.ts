/** Readers of option values, and the options that several verbs share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { error } from '../base/errors/index.ts';
import { durationOf } from '../base/times.ts';
import type { BackendChoice } from '../runtime/contract.ts';
import { backendOn, DEVICES, type Device } from '../runtime/devices.ts';

/** A whole number, at least `min`. */
export const wholeNumber =
  (min: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min)
      throw new InvalidArgumentError(`Expected a whole number of at least ${min}.`);
    return value;
  };

/** A TCP port; 0 is any free one. */
export function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('Expected a port: a whole number from 0 to 65535.');
  return Number(text);
}

/** A number, at least `min` and at most `max`. */
export const number =
  (min: number, max = Number.POSITIVE_INFINITY) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= min && value <= max && Number.isFinite(value)) return value;
    const range = max === Number.POSITIVE_INFINITY ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`Expected a number ${range}.`);
  };

/** `type=number` texts. @throws USAGE */
export function worths(texts: readonly string[], command: string): Record<string, number> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, type = '', worth = ''] = /^(.+)=(-?[\d.]+)$/.exec(text) ?? [];
      if (worth === '' || !Number.isFinite(Number(worth)))
        throw error('USAGE', { problem: `--reward ${text}: expected a name and a number, as click=1`, command });
      return [type, Number(worth)];
    }),
  );
}

/** 30d, 12h, 1.5h or 90s in milliseconds, above 0. */
export function duration(text: string): number {
  const value = durationOf(text) ?? 0;
  if (value > 0) return value;
  throw new InvalidArgumentError('Expected a time above 0 with its unit, like 90s, 2m, 12h or 30d.');
}

/** The same in seconds. */
export const seconds = (text: string): number => duration(text) / 1000;

/** A point in time, as 2026-11-30T12:00Z, in milliseconds since 1970. */
export function instant(text: string): number {
  const value = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(value)) throw new InvalidArgumentError('Expected a time as 2026-11-30T12:00:00Z.');
  return value;
}

/** Of a service. */
export function address(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError('Expected an address as http://127.0.0.1:8080.');
  return text;
}

/** A number of rows, or `all` of them. */
export const rowsOption = (what: string): Option =>
  new Option('--rows <n>', `${what}, or all`).argParser((text) =>
    text === 'all' ? Number.POSITIVE_INFINITY : rowCount(text),
  );

function rowCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1000)
    throw new InvalidArgumentError('Expected a whole number of at least 1000, or all.');
  return value;
}

/** An option that must be given. Unlike with commander's own, mistyped names are reported first: they are often why it is missing. */
export class RequiredOption extends Option {
  constructor(flags: string, description: string) {
    super(flags, `${description} (required)`);
  }
}

/** Fails with a usage error that names every required option without a value. */
export function checkRequired(verb: Command): void {
  const missing = verb.options.filter(
    (option) => option instanceof RequiredOption && verb.getOptionValue(option.attributeName()) === undefined,
  );
  if (missing.length > 0) verb.error(`missing: ${missing.map(({ flags }) => flags).join(', ')}`);
}

/** Collects the values of an option that may be repeated. */
export const collect = (text: string, before: string[] = []): string[] => [...before, text];

/** The options that were given. */
export const defined = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

export const jsonOption = (): Option => new Option('--json', 'write JSON lines on stdout, for machines');

export const backendOption = (): Option =>
  new Option(
    '--backend <name>',
    'ONNX Runtime to use: its native build, its WASM build, or native where it loads',
  ).choices(['auto', 'node', 'web']);

const DEVICE = [
  '--device <name>',
  'where graphs are computed; auto: CUDA where its libraries are, else the CPU',
] as const;

/** Of verbs whose configuration says the device. */
export const deviceOption = (): Option => new Option(...DEVICE).choices([...DEVICES]);

class DeviceOfBackend extends Option {}

/** Of verbs that take a backend alone: that which computes on the device. */
export const deviceOfBackendOption = (): Option => new DeviceOfBackend(...DEVICE).choices([...DEVICES]);

/** Throws USAGE where the backend does not compute on the device. */
export function takeDevice(verb: Command): void {
  if (!verb.options.some((option) => option instanceof DeviceOfBackend)) return;
  const { device, backend } = verb.opts<{ device?: Device; backend?: BackendChoice }>();
  if (device !== undefined && device !== 'cpu' && backend === 'web')
    throw error('USAGE', {
      problem: `--backend web computes on the CPU, not on --device ${device}`,
      command: `tributary ${verb.name()}`,
    });
  verb.setOptionValue('backend', backendOn(device, backend));
}

export const seedOption = (what: string): Option => new Option('--seed <n>', what).argParser(wholeNumber(0));

/** For verbs that read a run, which recorded where its data are. */
export const dataOption = (): Option => new Option('--data <dir>', 'the prepared data set, if it was moved');

/** For verbs that use the model of a run. */
export const checkpointOption = (): Option =>
  new Option(
    '--checkpoint <name>',
    'take the weights of this checkpoint: best, or a number of RUN/checkpoints (default: the finished model; of a run without one, best)',
  );

export const unweightedOption = (): Option =>
  new Option(
    '--unweighted',
    'calibrate to the rates of the rows as they are, for weights that say how much a row matters (default: each row counts by its weight, as in the loss)',
  );

export const memoryOption = (): Option =>
  new Option('--memory-limit <size>', 'memory that DuckDB may use, like 512MB or 2GB (default: 1GB)');
