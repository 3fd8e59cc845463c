/** Scores a raw file with a finished run's model, or with an artifact: by the graphs that serve, so that both give the same bits. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../base/errors/index.ts';
import { type Prediction, type PredictOptions, type PredictProgress, predictInto } from '../data/predict/predict.ts';
import { openPrepared } from '../data/prepared/open.ts';
import type { PreparedData } from '../data/prepared/prepared.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { calibrator } from '../store/artifact/calibration.ts';
import type { ArtifactManifest } from '../store/artifact/manifest.ts';
import { type Artifact, openArtifact } from '../store/artifact/open.ts';
import { MANIFEST } from '../store/artifact/paths.ts';
import { openFinished } from './model/finished.ts';
import type { RunSource, WeightsEvent } from './model/run-model.ts';
import { type Served, type Server, serveArtifact, serveModel } from './serving/scorer.ts';

export interface PredictRunOptions
  extends Pick<PredictOptions, 'input' | 'output' | 'force' | 'memoryLimit'>,
    Pick<SessionOptions, 'backend' | 'threads'>,
    Omit<RunSource, 'onEvent'> {
  /** Of an artifact: probabilities as the graph gives them. Default false; those of a run always are. */
  uncalibrated?: boolean;
  onEvent?: (event: PredictProgress | WeightsEvent) => void;
}

/**
 * Writes the input's rows with a probability per task.
 *
 * @param folder a run folder or an artifact
 * @throws ARTIFACT_DATA, ARTIFACT_OTHER_DATASET, ARTIFACT_CHECKPOINT; what openFinished, openArtifact and predictInto throw
 */
export async function predictRun(folder: string, options: PredictRunOptions): Promise<Prediction> {
  const { data: given, checkpoint, onEvent, uncalibrated = false, backend, threads, ...files } = options;
  const session = { backend, threads };
  const isArtifact = existsSync(join(folder, MANIFEST));
  if (isArtifact && checkpoint !== undefined) throw error('ARTIFACT_CHECKPOINT', { folder });
  const { data, server, finish } = isArtifact
    ? await ofArtifact(folder, given, uncalibrated, session)
    : await ofRun(folder, { data: given, checkpoint, onEvent }, session);
  try {
    const score: PredictOptions['score'] = async (batch) => finish(await server.score(batch), batch.scenario);
    return await predictInto({ ...files, onEvent, data, score, batchSize: 4096 });
  } finally {
    await server.close();
  }
}

interface Predictor {
  data: PreparedData;
  server: Server;
  /** What is written of an answer: [size, T]. */
  finish: (answer: Served, scenario: Int32Array) => Float32Array;
}

async function ofRun(run: string, source: RunSource, options: SessionOptions): Promise<Predictor> {
  const { data, trained: served } = await openFinished(run, source);
  const server = await serveModel(served, undefined, options);
  return { data, server, finish: ({ probabilities }) => probabilities };
}

async function ofArtifact(
  folder: string,
  dataFolder: string | undefined,
  uncalibrated: boolean,
  options: SessionOptions,
): Promise<Predictor> {
  const artifact: Artifact = await openArtifact(folder);
  if (dataFolder === undefined) throw error('ARTIFACT_DATA', { folder });
  const data = await openPrepared(dataFolder);
  const { dataHash } = artifact.manifest.run;
  if (data.manifest.hash !== dataHash)
    throw error('ARTIFACT_OTHER_DATASET', { folder, expected: dataHash, found: data.manifest.hash, data: data.folder });
  const server = await serveArtifact(artifact, options);
  return { data, server, finish: uncalibrated ? ({ probabilities }) => probabilities : calibrated(artifact.manifest) };
}

function calibrated({ calibration, data: { tasks } }: ArtifactManifest): Predictor['finish'] {
  const cells = calibration.map((row) => row.map(calibrator));
  return ({ logits, probabilities }, scenario) =>
    logits.map((logit, i) => cells[scenario[Math.floor(i / tasks.length)]][i % tasks.length](logit, probabilities[i]));
}
