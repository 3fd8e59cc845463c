/** Exit codes of the command line, one per kind of trouble. */
export const EXIT = {
  ok: 0,
  /** A fault of ours: the only case in which a stack trace is shown. */
  internal: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** The data are not what the configuration says. */
  data: 3,
  /** A run folder, checkpoint or artifact is damaged or does not fit. */
  artifact: 4,
  /** Training broke down (for example a NaN loss). */
  training: 5,
  /** The machine refused: disk full, no permission, no memory, no backend. */
  environment: 6,
  /** Stopped by Ctrl-C after writing a checkpoint. */
  interrupted: 130,
} as const;

export interface ErrorEntry<D> {
  exitCode: (typeof EXIT)[keyof typeof EXIT];
  httpStatus: number;
  /** The text a user reads: what was found, what was expected, what to do. */
  message: (details: D) => string;
}

/** Declares an entry; exists for the inference of D. */
export const entry = <D>(
  exitCode: ErrorEntry<D>['exitCode'],
  httpStatus: number,
  message: (details: D) => string,
): ErrorEntry<D> => ({ exitCode, httpStatus, message });
