/** Exit codes of the command line, one for each kind of failure. */
export const EXIT = {
  ok: 0,
  /** A fault of the program: the only case in which a stack trace is shown. */
  internal: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** The data are not what the configuration says. */
  data: 3,
  /** A run folder, checkpoint or artifact is damaged or does not fit. */
  artifact: 4,
  /** Training failed (for example a NaN loss). */
  training: 5,
  /** The machine refused: disk full, no permission, no memory, no backend. */
  environment: 6,
  /** A check failed: a run fell behind its baseline. */
  regressed: 7,
  /** Stopped by Ctrl-C after writing a checkpoint. */
  interrupted: 130,
} as const;

/** What to do: a text, one made from the details, or one for docs/errors.md alone where the message says it already. */
export type Advice<D> = string | ((details: D) => string) | { onPage: string };

export interface ErrorEntry<D> {
  exitCode: (typeof EXIT)[keyof typeof EXIT];
  httpStatus: number;
  /** What was found and what was expected. A message that ends in a list ends with a line break. */
  message: (details: D) => string;
  advice: Advice<D>;
}

/** Declares an entry; exists for the inference of D. */
export const entry = <D>(
  exitCode: ErrorEntry<D>['exitCode'],
  httpStatus: number,
  message: (details: D) => string,
  advice: Advice<D>,
): ErrorEntry<D> => ({ exitCode, httpStatus, message, advice });

/** The text that a user reads: the message, and what to do. */
export function textOf<D>({ message, advice }: ErrorEntry<D>, details: D): string {
  const found = message(details);
  const todo = typeof advice === 'function' ? advice(details) : typeof advice === 'string' ? advice : '';
  if (todo === '') return found.trimEnd();
  return found.endsWith('\n') ? `${found}${todo}` : `${found}. ${todo}`;
}
