/** All verbs of the command line. */
import type { Command } from 'commander';
import { programOf } from './root.ts';

/** In the order of the help. Adding a verb is a file and a line here. */
const VERBS: Record<string, () => Promise<(program: Command) => void>> = {
  demo: async () => (await import('./verbs/project/demo.ts')).demo,
  init: async () => (await import('./verbs/data/init.ts')).init,
  validate: async () => (await import('./verbs/data/validate.ts')).validate,
  prepare: async () => (await import('./verbs/data/prepare.ts')).prepare,
  train: async () => (await import('./verbs/train/train.ts')).train,
  launch: async () => (await import('./verbs/train/launch.ts')).launch,
  manifest: async () => (await import('./verbs/project/manifest.ts')).manifest,
  tune: async () => (await import('./verbs/train/tune.ts')).tune,
  resume: async () => (await import('./verbs/train/resume.ts')).resume,
  evaluate: async () => (await import('./verbs/train/evaluate.ts')).evaluate,
  importance: async () => (await import('./verbs/train/importance.ts')).importance,
  check: async () => (await import('./verbs/train/check.ts')).check,
  explain: async () => (await import('./verbs/serve/explain.ts')).explain,
  predict: async () => (await import('./verbs/serve/predict.ts')).predict,
  flows: async () => (await import('./verbs/data/flows.ts')).flows,
  transfer: async () => (await import('./verbs/data/transfer.ts')).transfer,
  select: async () => (await import('./verbs/serve/select.ts')).select,
  compare: async () => (await import('./verbs/train/compare.ts')).compare,
  studio: async () => (await import('./verbs/project/studio.ts')).studio,
  report: async () => (await import('./verbs/project/report.ts')).report,
  import: async () => (await import('./verbs/train/import.ts')).importVerb,
  export: async () => (await import('./verbs/serve/export.ts')).exportVerb,
  verify: async () => (await import('./verbs/serve/verify.ts')).verify,
  serve: async () => (await import('./verbs/serve/serve.ts')).serve,
  key: async () => (await import('./verbs/serve/key.ts')).key,
  log: async () => (await import('./verbs/loop/log.ts')).log,
  replay: async () => (await import('./verbs/loop/replay.ts')).replay,
  'position-bias': async () => (await import('./verbs/loop/position-bias.ts')).positionBiasVerb,
  simulate: async () => (await import('./verbs/loop/simulate.ts')).simulate,
  join: async () => (await import('./verbs/loop/join.ts')).join,
  loop: async () => (await import('./verbs/loop/loop.ts')).loop,
  experiment: async () => (await import('./verbs/loop/experiment.ts')).experiment,
  types: async () => (await import('./verbs/serve/types.ts')).types,
  models: async () => (await import('./verbs/train/models.ts')).models,
  parity: async () => (await import('./verbs/project/parity.ts')).parity,
  bench: async () => (await import('./verbs/project/bench.ts')).bench,
  completion: async () => (await import('./verbs/project/completion.ts')).completion,
};

/** The program with the verbs that a command line needs: a verb loads only itself; help and the like load all. */
export async function buildProgram(words: readonly string[] = []): Promise<Command> {
  const [first = ''] = words;
  const alone = Object.hasOwn(VERBS, first) && first !== 'completion';
  const none = first === '--version' || first === '-V';
  const loads = alone ? [VERBS[first]] : none ? [] : Object.values(VERBS);
  return programOf(await Promise.all(loads.map((load) => load())));
}
