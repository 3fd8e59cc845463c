/** All verbs of the command line, put together. */
import type { Command } from 'commander';
import { programOf } from './root.ts';
import { bench } from './verbs/bench.ts';
import { compare } from './verbs/compare.ts';
import { completion } from './verbs/completion.ts';
import { demo } from './verbs/demo.ts';
import { evaluate } from './verbs/evaluate.ts';
import { exportVerb } from './verbs/export.ts';
import { flows } from './verbs/flows.ts';
import { importVerb } from './verbs/import.ts';
import { init } from './verbs/init.ts';
import { key } from './verbs/key.ts';
import { models } from './verbs/models.ts';
import { parity } from './verbs/parity.ts';
import { predict } from './verbs/predict.ts';
import { prepare } from './verbs/prepare.ts';
import { resume } from './verbs/resume.ts';
import { select } from './verbs/select.ts';
import { serve } from './verbs/serve.ts';
import { train } from './verbs/train.ts';
import { tune } from './verbs/tune.ts';
import { types } from './verbs/types.ts';
import { validate } from './verbs/validate.ts';
import { verify } from './verbs/verify.ts';

/** In the order of the help. Adding a verb is a file and a line here. */
const VERBS = [
  demo,
  init,
  validate,
  prepare,
  train,
  tune,
  resume,
  evaluate,
  predict,
  flows,
  select,
  compare,
  importVerb,
  exportVerb,
  verify,
  serve,
  key,
  types,
  models,
  parity,
  bench,
  completion,
];

export const buildProgram = (): Command => programOf(VERBS);
