import { EXIT, entry } from './entry.ts';

export const ARTIFACT_ERRORS = {
  CHECKSUM_MISMATCH: entry(
    EXIT.artifact,
    422,
    (d: { path: string; expected: string; found: string; advice?: string }) =>
      `${d.path} is damaged: its SHA-256 is ${d.found.slice(0, 16)}…, recorded was ${d.expected.slice(0, 16)}…. ` +
      (d.advice ?? 'Restore it from a copy, or make it again'),
  ),
  SAFETENSORS_INVALID: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problem: string }) =>
      `${d.path} is not a whole safetensors file: ${d.problem}. Restore it from a copy, or make it again`,
  ),
  CHECKPOINT_MISSING: entry(
    EXIT.artifact,
    404,
    (d: { folder: string; name?: string; available: string[] }) =>
      `${d.folder} has no ${d.name === undefined ? 'complete checkpoint' : `checkpoint "${d.name}"`}: ` +
      (d.available.length > 0
        ? `there are ${d.available.join(', ')}`
        : 'training was stopped before the first one was written; start it again'),
  ),
  CHECKPOINT_DAMAGED: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problem: string; advice: string }) => `${d.path} is damaged: ${d.problem}. ${d.advice}`,
  ),
  RUN_NOT_FOUND: entry(
    EXIT.artifact,
    404,
    (d: { folder: string }) =>
      `${d.folder} is not a run folder: it has no run.json. Give a folder that \`tributary train\` wrote`,
  ),
  RUN_DAMAGED: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problem: string }) =>
      `${d.path} is damaged: ${d.problem}. Restore it from a copy, or train again`,
  ),
  RUN_EXISTS: entry(
    EXIT.usage,
    409,
    (d: { folder: string; found: string }) =>
      `${d.folder} is not empty (it has ${d.found}): choose another --out, or go on with a run that is there by \`tributary resume\``,
  ),
  RUN_LOCKED: entry(
    EXIT.usage,
    409,
    (d: { folder: string; pid: number; host: string; lock: string }) =>
      `${d.folder} is in use by process ${d.pid} on ${d.host}. Wait for it or stop it; if it is gone for certain, delete ${d.lock}`,
  ),
  RUN_OTHER_DATASET: entry(
    EXIT.artifact,
    409,
    (d: { folder: string; expected: string; found: string; data: string }) =>
      `${d.folder} was trained on the data set ${d.expected.slice(0, 16)}…, ${d.data} holds ${d.found.slice(0, 16)}…. ` +
      'Prepare the original data again with the same configuration, or start a new run (--warm-start takes over weights)',
  ),
  MODEL_MISSING: entry(
    EXIT.artifact,
    404,
    (d: { folder: string }) =>
      `${d.folder} has no finished model yet. Finish the training with \`tributary resume ${d.folder}\``,
  ),
} as const;
