import { EXIT, entry } from './entry.ts';

const AGAIN = 'Copy the artifact again, or export the run again';

export const ARTIFACT_ERRORS = {
  CHECKSUM_MISMATCH: entry(
    EXIT.artifact,
    422,
    (d: { path: string; expected: string; found: string; advice?: string }) =>
      `${d.path} is damaged: its SHA-256 is ${d.found.slice(0, 16)}…, recorded was ${d.expected.slice(0, 16)}…`,
    (d) => d.advice ?? 'Restore it from a copy, or make it again',
  ),
  SAFETENSORS_INVALID: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problem: string }) => `${d.path} is not a whole safetensors file: ${d.problem}`,
    'Restore it from a copy, or make it again',
  ),
  CHECKPOINT_MISSING: entry(
    EXIT.artifact,
    404,
    (d: { folder: string; name?: string; available: string[] }) =>
      `${d.folder} has no ${d.name === undefined ? 'complete checkpoint' : `checkpoint "${d.name}"`}: ` +
      (d.available.length > 0
        ? `there are ${d.available.join(', ')}`
        : 'training was stopped before the first one was written'),
    (d) => (d.available.length > 0 ? 'Name one of these' : 'Start the training again'),
  ),
  CHECKPOINT_DAMAGED: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problem: string; advice: string }) => `${d.path} is damaged: ${d.problem}`,
    (d) => d.advice,
  ),
  CHECKPOINT_PHASE: entry(
    EXIT.artifact,
    422,
    (d: { folder: string; name: string; phase: string; others: string[] }) =>
      `checkpoint "${d.name}" of ${d.folder} is from the ${d.phase} phase, before flows were selected: it cannot score rows`,
    (d) =>
      d.others.length > 0
        ? `Name one of the last phase: ${d.others.join(', ')}`
        : `Continue with \`tributary resume ${d.folder}\` until the last phase has one`,
  ),
  RUN_NOT_FOUND: entry(
    EXIT.artifact,
    404,
    (d: { folder: string }) => `${d.folder} is not a run folder: it has no run.json`,
    'Give a folder that `tributary train` wrote',
  ),
  RUN_CHOOSING: entry(
    EXIT.artifact,
    409,
    (d: { folder: string }) => `the model of ${d.folder} is not chosen yet`,
    (d) => `Go on with \`tributary resume ${d.folder}\``,
  ),
  RUN_DAMAGED: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problem: string }) => `${d.path} is damaged: ${d.problem}`,
    'Restore it from a copy, or train again',
  ),
  RUN_EXISTS: entry(
    EXIT.usage,
    409,
    (d: { folder: string; found: string }) => `${d.folder} is not empty (it has ${d.found})`,
    'Choose another --out, or continue the run in it with `tributary resume`',
  ),
  RUN_LOCKED: entry(
    EXIT.usage,
    409,
    (d: { folder: string; pid: number; host: string; lock: string }) =>
      `${d.folder} is in use by process ${d.pid} on ${d.host}`,
    (d) => `Wait for it or stop it. If it no longer runs, delete ${d.lock}`,
  ),
  RUN_OTHER_DATASET: entry(
    EXIT.artifact,
    409,
    (d: { folder: string; expected: string; found: string; data: string }) =>
      `${d.folder} was trained on the data set ${d.expected.slice(0, 16)}…, ${d.data} holds ${d.found.slice(0, 16)}…`,
    'Name the folder of the original data set with --data, prepare it again with the same configuration, or start a new run ' +
      '(--warm-start takes over weights)',
  ),
  RUN_DATA_MISSING: entry(
    EXIT.usage,
    404,
    (d: { folder: string; name: string; data: string; option: string }) =>
      `${d.folder} was trained on the data set ${d.name} in ${d.data}, which is not a prepared data set now`,
    (d) =>
      `Name its new folder with ${d.option}. If it is gone, prepare it again with the same configuration. Its hash is checked`,
  ),
  MODEL_MISSING: entry(
    EXIT.artifact,
    404,
    (d: {
      folder: string;
      /** How many checkpoints it has, if known: none of them is the best of the last phase. */
      checkpoints?: number;
    }) =>
      `${d.folder} has no finished model yet${d.checkpoints === undefined ? '' : ', and no best checkpoint of its last phase'}`,
    (d) =>
      `Finish the training with \`tributary resume ${d.folder}\`` +
      (d.checkpoints ? ', or name a checkpoint of the last phase with --checkpoint' : ''),
  ),
  MODEL_NOT_FINITE: entry(
    EXIT.artifact,
    422,
    (d: {
      path?: string;
      /** What is not finite. */
      what: string;
      advice?: string;
    }) => `${d.path === undefined ? 'the model' : `the model in ${d.path}`} cannot be used: ${d.what} is not finite`,
    (d) =>
      d.advice ??
      'Its training failed, or the file was edited: train again, with a lower train.learningRate or with train.clipNorm',
  ),
  ARTIFACT_NOT_FOUND: entry(
    EXIT.artifact,
    404,
    (d: { folder: string; advice?: string }) => `${d.folder} is not an artifact: it has no manifest.json of one`,
    (d) => d.advice ?? 'Give a folder that `tributary export` wrote',
  ),
  ARTIFACT_EXISTS: entry(
    EXIT.usage,
    409,
    (d: { folder: string; found: string }) =>
      `${d.folder} is not empty (it has ${d.found}) and is left as it is: an artifact is written once`,
    'Choose another --out, or remove it first',
  ),
  ARTIFACT_SEAL: entry(
    EXIT.artifact,
    422,
    (d: { path: string; expected: string; found: string }) =>
      `${d.path} was changed after it was written: ` +
      (d.expected === 'unreadable'
        ? 'it does not end with a checksum and may be truncated'
        : `it names the checksum ${d.expected.slice(0, 16)}…, its content has ${d.found.slice(0, 16)}…`),
    AGAIN,
  ),
  ARTIFACT_VERSION: entry(
    EXIT.artifact,
    422,
    (d: { path: string; found: string; expected: number }) =>
      `${d.path} has version ${d.found} of the artifact format; this program reads version ${d.expected}`,
    'Export the run again with this program',
  ),
  ARTIFACT_INVALID: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problems: string[] }) =>
      `${d.path} does not describe an artifact:\n${d.problems.map((problem) => `  ${problem}`).join('\n')}\n`,
    AGAIN,
  ),
  ARTIFACT_PATH: entry(
    EXIT.artifact,
    422,
    (d: { path: string; names: string[] }) =>
      `${d.path} names files that may lie outside the artifact: ${d.names.map((name) => JSON.stringify(name)).join(', ')}. ` +
      'Expected plain names, at most one folder deep',
    'Do not trust the source of this artifact',
  ),
  ARTIFACT_LINK: entry(
    EXIT.artifact,
    422,
    (d: { path: string; found: string }) => `${d.path} is ${d.found}; an artifact has plain files and folders only`,
    AGAIN,
  ),
  ARTIFACT_FILE_MISSING: entry(
    EXIT.artifact,
    422,
    (d: { folder: string; files: string[] }) => `${d.folder} lacks ${d.files.join(', ')}, which its manifest names`,
    AGAIN,
  ),
  ARTIFACT_FILE_UNEXPECTED: entry(
    EXIT.artifact,
    422,
    (d: { folder: string; files: string[] }) =>
      `${d.folder} has ${d.files.join(', ')}, which its manifest does not name`,
    'Remove them, or export the run again',
  ),
  ARTIFACT_FILE_SIZE: entry(
    EXIT.artifact,
    422,
    (d: { path: string; expected: number; found: number }) =>
      `${d.path} has ${d.found} bytes, its manifest says ${d.expected}: it was truncated or changed`,
    AGAIN,
  ),
  ARTIFACT_FILE_CHANGED: entry(
    EXIT.artifact,
    422,
    (d: { path: string; expected: string; found: string }) =>
      `${d.path} was changed: its SHA-256 is ${d.found.slice(0, 16)}…, its manifest says ${d.expected.slice(0, 16)}…`,
    AGAIN,
  ),
  ARTIFACT_FILE_INVALID: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problem: string }) => `${d.path} does not hold what an artifact needs: ${d.problem}`,
    AGAIN,
  ),
  ARTIFACT_GRAPH: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problems: string[] }) =>
      `the graph ${d.path} does not fit the artifact:\n${d.problems.map((problem) => `  ${problem}`).join('\n')}\n`,
    AGAIN,
  ),
  CACHE_FULL: entry(
    EXIT.environment,
    507,
    (d: { path: string; bytes: number; folder: string; reason: string }) =>
      `no space for a private copy of ${d.path} (${d.bytes} bytes) in ${d.folder}: ${d.reason}`,
    'Free some space there, or name a folder with more space as cacheFolder in the serving configuration',
  ),
  CACHE_UNWRITABLE: entry(
    EXIT.environment,
    500,
    (d: { folder: string; reason: string }) => `cannot keep private copies of artifacts in ${d.folder}: ${d.reason}`,
    'Name a folder that this user can write to as cacheFolder in the serving configuration',
  ),
  ARTIFACT_DATA: entry(
    EXIT.usage,
    400,
    (d: { folder: string }) =>
      `${d.folder} is an artifact: it holds vocabularies, but not how the columns of a file become fields`,
    'Name the prepared data set of its training with --data',
  ),
  ARTIFACT_OTHER_DATASET: entry(
    EXIT.artifact,
    409,
    (d: { folder: string; expected: string; found: string; data: string }) =>
      `${d.folder} was made on the data set ${d.expected.slice(0, 16)}…, ${d.data} holds ${d.found.slice(0, 16)}…`,
    'Name the data set of its training with --data',
  ),
  ARTIFACT_CHECKPOINT: entry(
    EXIT.usage,
    400,
    (d: { folder: string }) => `${d.folder} is an artifact: it has one model and no checkpoints`,
    'Leave out --checkpoint, or name the run',
  ),
  ARTIFACT_NAME: entry(
    EXIT.usage,
    400,
    (d: { found: string }) =>
      `${JSON.stringify(d.found)} cannot name a model: expected at most 64 letters, digits, dots, dashes and underscores, with a letter or digit first`,
    { onPage: 'Choose another --name' },
  ),
  SCORE_SCENARIO: entry(
    EXIT.usage,
    400,
    (d: { found: string; near?: string; known: string[] }) =>
      `there is no scenario ${JSON.stringify(d.found)} to score` +
      (d.near === undefined ? `: scenarios are ${d.known.join(', ')}` : `: did you mean "${d.near}"?`),
    { onPage: 'Name a scenario of the model' },
  ),
  SCORE_INVALID: entry(
    EXIT.usage,
    400,
    (d: { expression: string; position: number; problem: string }) =>
      `the score expression cannot be used, at place ${d.position + 1}: ${d.problem}\n` +
      `  ${d.expression}\n  ${' '.repeat(d.position)}^\n`,
    'Expected task names and numbers with + - * / ^ ( ) and min, max, log, exp, pow, as in click * 0.3 + purchase',
  ),
} as const;
