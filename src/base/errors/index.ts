/**
 * The error catalogue: every mistake that a user can make has one entry with a code, a message that names what was
 * found and what was expected, what to do, an exit code for the command line and a status for HTTP.
 * Entries are in one file per area; this file joins them and makes them throwable. docs/errors.md lists them.
 */
import { ARTIFACT_ERRORS } from './artifact.ts';
import { CLI_ERRORS } from './cli.ts';
import { COMM_ERRORS } from './comm.ts';
import { COMMON_ERRORS } from './common.ts';
import { CONFIG_ERRORS } from './config.ts';
import { DATA_ERRORS } from './data.ts';
import { DIAGNOSE_ERRORS } from './diagnose.ts';
import { type ErrorEntry, textOf } from './entry.ts';
import { EVENT_ERRORS } from './events.ts';
import { EXPERIMENT_ERRORS } from './experiment.ts';
import { FEATURE_ERRORS } from './features.ts';
import { GRAPH_ERRORS } from './graph.ts';
import { INIT_ERRORS } from './init.ts';
import { JOIN_ERRORS } from './join.ts';
import { KERNELS_ERRORS } from './kernels.ts';
import { LANDING_ERRORS } from './landing.ts';
import { LOOP_ERRORS } from './loop.ts';
import { PAGE_ERRORS } from './pages.ts';
import { PARITY_ERRORS } from './parity.ts';
import { REPLAY_ERRORS } from './replay.ts';
import { RUNTIME_ERRORS } from './runtime.ts';
import { SELECT_ERRORS } from './select.ts';
import { SERVE_ERRORS } from './serve.ts';
import { SIMULATE_ERRORS } from './simulate.ts';
import { STUDIO_ERRORS } from './studio.ts';
import { STUDY_ERRORS } from './study.ts';
import { TRAIN_ERRORS } from './train.ts';

export const ERRORS = {
  ...COMMON_ERRORS,
  ...CLI_ERRORS,
  ...CONFIG_ERRORS,
  ...DATA_ERRORS,
  ...INIT_ERRORS,
  ...LANDING_ERRORS,
  ...GRAPH_ERRORS,
  ...RUNTIME_ERRORS,
  ...ARTIFACT_ERRORS,
  ...KERNELS_ERRORS,
  ...COMM_ERRORS,
  ...TRAIN_ERRORS,
  ...PARITY_ERRORS,
  ...SELECT_ERRORS,
  ...SERVE_ERRORS,
  ...STUDY_ERRORS,
  ...STUDIO_ERRORS,
  ...EVENT_ERRORS,
  ...REPLAY_ERRORS,
  ...SIMULATE_ERRORS,
  ...JOIN_ERRORS,
  ...FEATURE_ERRORS,
  ...LOOP_ERRORS,
  ...PAGE_ERRORS,
  ...DIAGNOSE_ERRORS,
  ...EXPERIMENT_ERRORS,
} as const;

export type ErrorCode = keyof typeof ERRORS;
// biome-ignore lint/suspicious/noExplicitAny: the parameter type of each entry's own message function
type Details<K extends ErrorCode> = (typeof ERRORS)[K] extends ErrorEntry<infer D> ? D : any;

/** A mistake with an entry in the catalogue. The command line prints its message and exits with its code. */
export class TributaryError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, details: unknown, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TributaryError';
    this.code = code;
    this.details = details;
  }

  get exitCode(): number {
    return ERRORS[this.code].exitCode;
  }

  get httpStatus(): number {
    return ERRORS[this.code].httpStatus;
  }
}

/** Builds the error of a catalogue entry. Use: `throw error('DATA_COLUMNS_MISSING', { ... })`. */
export function error<K extends ErrorCode>(code: K, details: Details<K>, cause?: unknown): TributaryError {
  return new TributaryError(code, textOf(ERRORS[code] as ErrorEntry<Details<K>>, details), details, cause);
}
