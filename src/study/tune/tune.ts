/** A search from its beginning, or from where a kill left it, to the best configuration. Trials never see test rows. */
import { createHandle, type Handle } from '../../base/disposal.ts';
import { trialRun } from '../../config/load-tune.ts';
import type { RunConfig } from '../../config/run.ts';
import type { TuneConfig } from '../../config/tune.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import { ruleText } from '../../evaluate/index.ts';
import { models } from '../../model/registry.ts';
import { lockFolder } from '../../store/lock.ts';
import { dropCheckpoints } from '../../store/run/run-folder.ts';
import { openPool, type TrainingPool, workersFor } from '../pool.ts';
import { conclude } from './conclude.ts';
import type { Context } from './context.ts';
import type { TuneEvent, TuneResult } from './events.ts';
import { claimFolder, tunePaths } from './folder.ts';
import { lossOfTrial, Stopped } from './run-trial.ts';
import { search } from './search.ts';
import { openSpace } from './space.ts';
import { latest, openTrialLog } from './trials.ts';

export interface TuneRequest {
  config: TuneConfig;
  /** Folder of the search. The same folder again continues it. */
  out: string;
  /** Trials in parallel. Default: as many as cores and memory allow. */
  workers?: number;
  onEvent?: (event: TuneEvent) => void;
  /** Stops the search as `stop` of its handle does. */
  signal?: AbortSignal;
}

/** A search at work: without a result once it is stopped. Running trials then write checkpoints; the same call continues it. */
export type TuneHandle = Handle<TuneResult | undefined>;

export function startTuning(request: TuneRequest): TuneHandle {
  const { config, workers } = request;
  const threads = baseRun(config).threads ?? 1;
  const side = config.method.kind === 'tpe' ? config.method.parallel : config.method.trials;
  const pool = openPool(Math.min(workers ?? workersFor(threads), side));
  return createHandle(tune(request, pool), () => pool.stop(), request.signal);
}

/** The run that parameters are set in. Where the model itself is searched, it has the first choice. */
function baseRun(config: TuneConfig): RunConfig {
  const key = config.space['model.key']?.choices?.[0];
  return trialRun(config, models, key === undefined ? {} : { 'model.key': key });
}

async function tune(request: TuneRequest, pool: TrainingPool): Promise<TuneResult | undefined> {
  const { config, out, onEvent = () => {} } = request;
  const data = await openPrepared(config.data);
  claimFolder(out, { config, hash: data.manifest.hash });
  const unlock = lockFolder(out);
  const log = openTrialLog(tunePaths(out).trials);
  const base = baseRun(config);
  const { monitor } = base.train;
  const context: Context = { config, out, data, pool, log, monitor, over: ruleText(base.evaluate), onEvent };
  const running = new Set<Promise<number>>();
  try {
    const { method, seed } = config;
    const known = latest(log.records()).filter(({ ended, value }) => ended || value === null).length;
    onEvent({ event: 'start', out, method: method.kind, trials: method.trials, workers: pool.workers, known, monitor });
    await search(
      { space: openSpace(config.space), method, seed },
      {
        loss(asked) {
          const loss = lossOfTrial(context, asked);
          running.add(loss);
          return loss;
        },
        through: (trial) => dropCheckpoints(tunePaths(out).trial(trial)),
      },
    );
    return conclude(context);
  } catch (cause) {
    pool.stop();
    if (cause instanceof Stopped) return undefined;
    throw cause;
  } finally {
    await Promise.allSettled(running);
    log.close();
    unlock();
  }
}
