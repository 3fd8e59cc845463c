/** A run opened for what is done with it: its record, its data and its model. */

import type { PreparedData } from '../../data/prepared/prepared.ts';
import { models } from '../../model/registry.ts';
import type { CheckpointInfo } from '../../store/run/checkpoint.ts';
import { modelFiles, openRun, type RunRecord } from '../../store/run/run-folder.ts';
import { describeData, openRunData } from './run-data.ts';
import { loadTrained, type RunSource, type TrainedModel, type WeightsEvent } from './trained.ts';

/** A run, its data and its model. */
export interface FinishedRun {
  folder: string;
  record: RunRecord;
  data: PreparedData;
  trained: TrainedModel;
  /** Present if the weights come from a checkpoint. */
  checkpoint?: CheckpointInfo;
}

/**
 * Opens a run with its finished model, or with the model of a checkpoint. Executes the module files that the run names.
 *
 * @throws errors of openRunData and loadTrained
 */
export async function openFinished(folder: string, { onEvent, ...source }: RunSource = {}): Promise<FinishedRun> {
  const record = openRun(folder);
  await models.loadFiles(modelFiles(record));
  const data = await openRunData(folder, record, source.data);
  let checkpoint: CheckpointInfo | undefined;
  const noted = (event: WeightsEvent): void => {
    checkpoint = event.checkpoint;
    onEvent?.(event);
  };
  const trained = loadTrained(folder, record, describeData(data.manifest), { ...source, onEvent: noted });
  return { folder, record, data, trained, ...(checkpoint && { checkpoint }) };
}
