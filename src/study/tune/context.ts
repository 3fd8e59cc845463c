import type { TuneConfig } from '../../config/tune.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { TrainingPool } from '../pool.ts';
import type { Monitor, TuneEvent } from './events.ts';
import type { TrialLog } from './trials.ts';

/** What the trials of a search share. */
export interface Context {
  config: TuneConfig;
  out: string;
  data: PreparedData;
  pool: TrainingPool;
  log: TrialLog;
  monitor: Monitor;
  over: string;
  onEvent: (event: TuneEvent) => void;
}

export const betterOf = (monitor: Monitor): 'higher' | 'lower' => (monitor === 'auc' ? 'higher' : 'lower');
