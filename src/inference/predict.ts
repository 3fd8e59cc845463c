/** Scores a raw file with the model of a run, or with an artifact. Both use the serving graphs and give the same bits. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../base/errors/index.ts';
import { type Prediction, type PredictOptions, type PredictProgress, predictInto } from '../data/predict/predict.ts';
import { openPrepared } from '../data/prepared/open.ts';
import type { PreparedData } from '../data/prepared/prepared.ts';
import { withFields } from '../data/prepared/some-fields.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { createSession } from '../runtime/session.ts';
import { calibrator } from '../store/artifact/calibration.ts';
import type { ArtifactManifest } from '../store/artifact/manifest.ts';
import { openArtifact } from '../store/artifact/open.ts';
import { MANIFEST } from '../store/artifact/paths.ts';
import type { Answers } from './executor.ts';
import { openFinished } from './model/run.ts';
import type { RunSource, WeightsEvent } from './model/trained.ts';
import { createArtifactGraphs } from './serving/artifact.ts';
import { answer, type IdRows } from './serving/id-rows.ts';
import { createServing } from './serving/serving-model.ts';

export interface PredictRunOptions
  extends Pick<PredictOptions, 'input' | 'output' | 'force' | 'memoryLimit'>,
    Pick<SessionOptions, 'backend' | 'threads'>,
    Omit<RunSource, 'onEvent'> {
  /** For an artifact: write probabilities without calibration. Default false; those of a run are never calibrated. */
  uncalibrated?: boolean;
  onEvent?: (event: PredictProgress | WeightsEvent) => void;
}

/**
 * Writes the input's rows with a probability per task.
 *
 * @param folder a run folder or an artifact
 * @throws ARTIFACT_DATA, ARTIFACT_OTHER_DATASET, ARTIFACT_CHECKPOINT; errors of openFinished, openArtifact and predictInto
 */
export async function predictRun(folder: string, options: PredictRunOptions): Promise<Prediction> {
  const { data: given, checkpoint, onEvent, uncalibrated = false, backend, threads, ...files } = options;
  const session = { backend, threads };
  const isArtifact = existsSync(join(folder, MANIFEST));
  if (isArtifact && checkpoint !== undefined) throw error('ARTIFACT_CHECKPOINT', { folder });
  const { data, answerRows, probability, close } = isArtifact
    ? await ofArtifact(folder, given, uncalibrated, session)
    : await ofRun(folder, { data: given, checkpoint, onEvent }, session);
  const { tasks } = data.manifest;
  const score: PredictOptions['score'] = async (batch) => {
    const answers = await answerRows(batch);
    return answers.logits.map((_, i) => {
      const row = Math.floor(i / tasks.length);
      return probability(answers, row, i % tasks.length, batch.scenario[row]);
    });
  };
  try {
    return await predictInto({ ...files, onEvent, data, score, batchSize: 4096 });
  } finally {
    await close();
  }
}

interface Predictor {
  data: PreparedData;
  /** Probabilities and logits, before calibration. */
  answerRows: (rows: IdRows) => Promise<Answers>;
  /** The value written for a row and task. */
  probability: (answers: Answers, row: number, task: number, scenario: number) => number;
  close(): Promise<void>;
}

const asGiven: Predictor['probability'] = ({ probabilities }, row, task) => probabilities[task][row];

async function ofRun(run: string, source: RunSource, options: SessionOptions): Promise<Predictor> {
  const { data, trained } = await openFinished(run, source);
  const serving = createServing(trained, options);
  return {
    data,
    answerRows: await serving.answering([serving.compile(serving.tensors.outputs)]),
    probability: asGiven,
    close: () => serving.close(),
  };
}

async function ofArtifact(
  folder: string,
  dataFolder: string | undefined,
  uncalibrated: boolean,
  options: SessionOptions,
): Promise<Predictor> {
  const artifact = await openArtifact(folder);
  if (dataFolder === undefined) throw error('ARTIFACT_DATA', { folder });
  const whole = await openPrepared(dataFolder);
  const { manifest } = artifact;
  const { dataHash } = manifest.run;
  if (whole.manifest.hash !== dataHash)
    throw error('ARTIFACT_OTHER_DATASET', {
      folder,
      expected: dataHash,
      found: whole.manifest.hash,
      data: whole.folder,
    });
  const graphs = createArtifactGraphs(artifact, createSession, options, manifest.data.tasks);
  const byScenario = new Map<number | undefined, Awaited<ReturnType<typeof graphs.of>>>();
  for (const { scenario, file } of manifest.graphs) byScenario.set(scenario, await graphs.of(file));
  return {
    data: withFields(whole, new Set(manifest.data.fields.map(({ name }) => name))),
    answerRows: (rows) => answer(byScenario, rows, manifest.data.tasks),
    probability: uncalibrated ? asGiven : calibrated(manifest),
    close: () => graphs.close(),
  };
}

function calibrated({ calibration, data: { tasks } }: ArtifactManifest): Predictor['probability'] {
  const cells = calibration.map((row) => row.map(calibrator));
  return ({ logits, probabilities }, row, task, scenario) =>
    cells[scenario][task](logits[row * tasks.length + task], probabilities[task][row]);
}
