/** docs/errors.md: the error catalogue as a page. Messages are shown as templates: `{path}` stands for a detail. */
import { ARTIFACT_ERRORS } from '../../src/base/errors/artifact.ts';
import { CLI_ERRORS } from '../../src/base/errors/cli.ts';
import { COMM_ERRORS } from '../../src/base/errors/comm.ts';
import { COMMON_ERRORS } from '../../src/base/errors/common.ts';
import { CONFIG_ERRORS } from '../../src/base/errors/config.ts';
import { DATA_ERRORS } from '../../src/base/errors/data.ts';
import { DIAGNOSE_ERRORS } from '../../src/base/errors/diagnose.ts';
import { type ErrorEntry, EXIT, textOf } from '../../src/base/errors/entry.ts';
import { EVENT_ERRORS } from '../../src/base/errors/events.ts';
import { EXPERIMENT_ERRORS } from '../../src/base/errors/experiment.ts';
import { FEATURE_ERRORS } from '../../src/base/errors/features.ts';
import { GRAPH_ERRORS } from '../../src/base/errors/graph.ts';
import { INIT_ERRORS } from '../../src/base/errors/init.ts';
import { JOIN_ERRORS } from '../../src/base/errors/join.ts';
import { KERNELS_ERRORS } from '../../src/base/errors/kernels.ts';
import { LANDING_ERRORS } from '../../src/base/errors/landing.ts';
import { LOOP_ERRORS } from '../../src/base/errors/loop.ts';
import { PAGE_ERRORS } from '../../src/base/errors/pages.ts';
import { PARITY_ERRORS } from '../../src/base/errors/parity.ts';
import { REPLAY_ERRORS } from '../../src/base/errors/replay.ts';
import { RUNTIME_ERRORS } from '../../src/base/errors/runtime.ts';
import { SELECT_ERRORS } from '../../src/base/errors/select.ts';
import { SERVE_ERRORS } from '../../src/base/errors/serve.ts';
import { SIMULATE_ERRORS } from '../../src/base/errors/simulate.ts';
import { STUDIO_ERRORS } from '../../src/base/errors/studio.ts';
import { STUDY_ERRORS } from '../../src/base/errors/study.ts';
import { TRAIN_ERRORS } from '../../src/base/errors/train.ts';

/** Areas of the page, in its order. */
export const AREAS: Record<string, Record<string, ErrorEntry<never>>> = {
  'Files and the system': COMMON_ERRORS,
  'Command line': CLI_ERRORS,
  Configurations: CONFIG_ERRORS,
  Data: DATA_ERRORS,
  'Proposing a configuration (init)': INIT_ERRORS,
  'Rows of databases and commands': LANDING_ERRORS,
  Graphs: GRAPH_ERRORS,
  'ONNX Runtime': RUNTIME_ERRORS,
  'Memory and kernels': KERNELS_ERRORS,
  Ranks: COMM_ERRORS,
  Training: TRAIN_ERRORS,
  'Runs and artifacts': ARTIFACT_ERRORS,
  Selection: SELECT_ERRORS,
  'Comparison and tuning': STUDY_ERRORS,
  'Importance and checks': DIAGNOSE_ERRORS,
  Studio: STUDIO_ERRORS,
  Serving: SERVE_ERRORS,
  'Event logs': EVENT_ERRORS,
  'Replay of logs': REPLAY_ERRORS,
  Simulation: SIMULATE_ERRORS,
  'Rows from logs': JOIN_ERRORS,
  'The loop': LOOP_ERRORS,
  'Online experiments': EXPERIMENT_ERRORS,
  'Tables of features': FEATURE_ERRORS,
  Pages: PAGE_ERRORS,
  Parity: PARITY_ERRORS,
};

const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: 'success',
  internal: 'a fault of the program: please report it',
  usage: 'wrong usage or configuration',
  data: 'the data are not what the configuration says',
  artifact: 'a run folder, checkpoint or artifact is damaged or does not fit',
  training: 'the training failed, for example by a NaN loss',
  environment: 'the machine refused: disk, memory, permissions, a missing package',
  regressed: 'a run fell behind its baseline by more than a margin (`tributary check`)',
  interrupted: 'stopped by Ctrl-C after a checkpoint was written',
};

export function errorPage(): string {
  return [
    '# Errors',
    '',
    'Every error has a code. The command line prints it with a message on stderr and exits with the code of its kind; with `--json`, the last line of stdout is',
    '`{"event":"error","code":...,"message":...}`. A service answers `{"error":{"code":...,"message":...},"request_id":...}` with the HTTP status (under `/v2`',
    '`{"error":MESSAGE,"code":...,"request_id":...}`). The library throws a `TributaryError` with `code`, `message`, `details`, `exitCode` and `httpStatus`.',
    'A fault of the program has the code `INTERNAL` if it has no entry here: exit code 1, HTTP 500.',
    '',
    'Generated from the catalogue (`src/base/errors`) by `npm run build:docs`. `{path}` stands for a detail of the error.',
    '',
    '## Exit codes',
    '',
    '| exit code | meaning |',
    '| --- | --- |',
    ...Object.entries(EXIT).map(([name, code]) => `| ${code} | ${EXIT_MEANINGS[name as keyof typeof EXIT]} |`),
    '',
    ...Object.entries(AREAS).flatMap(([title, entries]) => [
      `## ${title}`,
      '',
      ...Object.entries(entries).flatMap(([code, entry]) => section(code, entry)),
    ]),
  ].join('\n');
}

/** Values whose text cannot be a placeholder, because the message computes with them. */
const COMPUTED: Record<string, object> = {
  MEMORY_TOO_LARGE: { bytes: 6 * 2 ** 30, limit: 4 * 2 ** 30 },
  MEMORY_UNAVAILABLE: { bytes: 3 * 2 ** 30 },
  TABLES_TOO_LARGE: { rows: 5e7, dimension: 16, bytes: 9.6e9, besides: 2 ** 30, memory: 8 * 2 ** 30 },
  RECIPE_FILES_MISSING: { missing: [{ path: '{path}', orPath: '{orPath}', content: '{content}', bytes: 2e6 }] },
  SCORE_INVALID: { position: 0 },
  CHECKSUM_MISMATCH: { advice: undefined },
  MODEL_NOT_FINITE: { advice: undefined },
  ARTIFACT_NOT_FOUND: { advice: undefined },
  DATA_FILE_KIND: {
    advice: 'Unpack archives, save workbooks as "CSV UTF-8", or set "format" of the source; the message says which',
  },
  DATA_FOLDER: {
    advice: 'Name a folder with data files of one format, or the files themselves; the message says which',
  },
  CHECKPOINT_DAMAGED: { advice: 'Name another checkpoint with --checkpoint, or train again; the message says which' },
};

function section(code: string, entry: ErrorEntry<never>): string[] {
  const { exitCode, httpStatus, advice } = entry;
  const details = placeholder('', COMPUTED[code]) as never;
  const message = textOf({ ...entry, advice: '' }, details);
  const isShown = typeof advice !== 'object';
  const todo = isShown ? (typeof advice === 'function' ? advice(details) : advice) : advice.onPage;
  return [
    `### ${code}`,
    '',
    `Exit code ${exitCode}, HTTP ${httpStatus}.`,
    '',
    '```text',
    message,
    '```',
    '',
    `What to do: ${todo}.`,
    '',
  ];
}

/** Stands for a detail of any type: shows `{name}`, also of its elements, parts and properties. */
function placeholder(name: string, known: object = {}): unknown {
  const text = `{${name}}`;
  const inner = (key: string): string => (name === '' ? key : `${name}.${key}`);
  const methods: Record<string | symbol, unknown> = {
    [Symbol.toPrimitive]: (hint: string) => (hint === 'number' ? 2 : text),
    toJSON: () => text,
    toFixed: () => text,
    toExponential: () => text,
    slice: () => placeholder(name),
    join: () => text,
    map: (show: (element: unknown, i: number) => unknown) => [show(placeholder(name), 0)],
    trimEnd: () => text,
  };
  return new Proxy(
    {},
    {
      get: (_, key) => {
        if (key in known) return known[key as never];
        if (name !== '' && key in methods) return methods[key];
        return typeof key === 'string' ? placeholder(inner(key)) : undefined;
      },
    },
  );
}
