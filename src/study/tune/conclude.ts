/** The end of a search: its best configuration, its document and its report. */
import { stringify } from 'yaml';
import { error } from '../../base/errors/index.ts';
import { writeFileAtomic } from '../../base/files.ts';
import { oneLine } from '../../base/one-line.ts';
import { writtenRun } from '../../config/load-tune.ts';
import type { TuningDocument } from '../../documents/tuning.ts';
import { models } from '../../model/registry.ts';
import { tuningMarkdown } from '../../report/tuning.ts';
import { betterOf, type Context } from './context.ts';
import type { TuneResult } from './events.ts';
import { tunePaths } from './folder.ts';
import { importances } from './importance.ts';
import { ranked } from './trials.ts';

/** @throws TUNE_NO_VALUE where all trials failed */
export function conclude({ config, out, log, monitor, over, data }: Context): TuneResult {
  const records = log.records().filter(({ trial }) => trial < config.method.trials);
  const better = betterOf(monitor);
  const trials = ranked(records, better);
  const [best] = trials;
  if (best === undefined || best.value === null)
    throw error('TUNE_NO_VALUE', { trials: trials.length, failure: best?.failure ?? '' });
  const { best: path, result, report } = tunePaths(out);
  const run = writtenRun(config, models, best.parameters);
  const head = [
    ` Trial ${best.trial}, the best of ${trials.length} by validation ${monitor}: ${best.value} after ${best.epochs} epochs on ${data.manifest.name}.`,
    ` tributary train --data ${config.data} --config ${path}`,
  ];
  writeFileAtomic(path, `${head.map((line) => `#${oneLine(line)}\n`).join('')}${stringify(run)}`);
  // Only values after the same number of epochs are comparable: for halving, those of the first round.
  const first = config.method.kind === 'halving' ? config.method.minEpochs : null;
  const hints = importances(
    records.filter(({ asked }) => asked === first),
    config.space,
    better,
  );
  const parameters = Object.keys(config.space);
  const tuning: TuningDocument = { schema: 'tuning/1', monitor, over, parameters, best, trials, hints };
  writeFileAtomic(result, `${JSON.stringify(tuning, null, 1)}\n`);
  writeFileAtomic(report, tuningMarkdown(tuning, config));
  return { event: 'result', out, config: path, ...tuning };
}
