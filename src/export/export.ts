/** From a finished run to an artifact: graphs, tables, vocabularies, calibration, score and the statistics of its data. */

import { error } from '../base/errors/index.ts';
import { nearest } from '../base/nearest.ts';
import { versions } from '../base/version.ts';
import type { FieldConfig } from '../config/dataset.ts';
import { RESERVED_IDS } from '../data/encode/ids.ts';
import { scenarioFields } from '../data/prepare/scenario-fields.ts';
import type { PreparedData } from '../data/prepared/prepared.ts';
import type { FittedCell } from '../documents/artifact.ts';
import type { Port } from '../graph/index.ts';
import {
  compileServing,
  type ServingGraph,
  servingGraph,
  servingTensors,
  tableFile,
} from '../inference/graphs/serving.ts';
import { type FinishedRun, openFinished } from '../inference/model/finished.ts';
import type { RunSource, WeightsEvent } from '../inference/model/run-model.ts';
import { TABLES, type TrainedModel, tableBytes } from '../inference/model/trained.ts';
import { serveModel } from '../inference/serving/scorer.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { calibrator } from '../store/artifact/calibration.ts';
import type { ArtifactManifest } from '../store/artifact/manifest.ts';
import { MODEL_NAME, vocabularyPath } from '../store/artifact/paths.ts';
import { compileScore, defaultScore } from '../store/artifact/score.ts';
import type { ArtifactStatistics } from '../store/artifact/statistics.ts';
import { checkPlace, writeArtifact } from '../store/artifact/write.ts';
import { isRecordedFinished } from '../store/run/finished-run.ts';
import { openRun, type RunRecord, readMetrics } from '../store/run/run-folder.ts';
import { type CalibrationChoice, fitCell } from './calibrate/choose.ts';
import type { StepEvent } from './events.ts';
import { distribution, trainingStatistics } from './statistics.ts';
import { labelled, scoreValidation, type ValidationCell } from './validation.ts';

export interface ExportOptions extends Pick<SessionOptions, 'backend' | 'threads'>, Omit<RunSource, 'onEvent'> {
  /** Folder to write, absent or empty. */
  out: string;
  /** What requests call the model. Default: `<model>-<data set>`. */
  name?: string;
  /** Score expressions: one for all scenarios (default: the mean of all tasks), and others by scenario. */
  score?: { default?: string; scenarios?: Record<string, string> };
  /** Default `auto`: chosen for each scenario and task by cross-validated log loss. */
  calibrate?: CalibrationChoice;
  /** Graphs to write, as selection made them; the first answers all scenarios. Default: the model as it is. */
  graphs?: { list: readonly ServingGraph[]; selection: NonNullable<ArtifactManifest['selection']> };
  onEvent?: (event: StepEvent | WeightsEvent) => void;
}

export interface Exported {
  manifest: ArtifactManifest;
  /** What calibration found: [S][T]. */
  cells: FittedCell[][];
}

/**
 * Writes the artifact of a run.
 *
 * @throws what openFinished and exportOpen throw
 */
export const exportRun = async (run: string, options: ExportOptions): Promise<Exported> =>
  exportOpen(await openFinished(run, options), options);

/** Throws what checkExport throws, MODEL_NOT_FINITE, DISK_FULL, FILE_UNWRITABLE. */
export async function exportOpen(
  opened: FinishedRun,
  options: Omit<ExportOptions, Exclude<keyof RunSource, 'onEvent'>>,
): Promise<Exported> {
  const { folder, data, trained: served, checkpoint } = opened;
  const { out, calibrate = 'auto', onEvent = () => {}, backend, threads } = options;
  const record = openRun(folder);
  const { score, name } = checkExport(opened, options);
  const { list, selection } = options.graphs ?? { list: [servingGraph(served)] };

  const onStep = (step: string): void => onEvent({ event: 'step', step });
  onStep('scoring the validation rows');
  const server = await serveModel(served, list, { backend, threads });
  const validation = await scoreValidation(data, server).finally(() => server.close());
  onStep('fitting calibrations');
  const cells = validation.map((row) => row.map((cell) => fitCell(labelled(cell), calibrate)));
  const calibration = cells.map((row) => row.map((cell) => cell.calibration));
  onStep('counting the ids of the training rows');
  const statistics: ArtifactStatistics = {
    version: 1,
    ...(await trainingStatistics(data)),
    cells: cellStatistics(data, validation, cells),
  };

  onStep('writing');
  const files = new Map<string, (string | Uint8Array)[]>();
  const entries = list.map((graph) => {
    const file = graph.scenario === undefined ? 'graph.onnx' : `scenario-${graph.scenario}.onnx`;
    files.set(file, [graph.bytes]);
    return graphEntry(file, graph, selection?.kind ?? 'none');
  });
  const flows = flowsOf(served, list[0], selection?.kind);
  if (flows !== undefined) files.set(flows.entry.file, [flows.bytes]);
  const read = TABLES.filter((table) => list.some(({ tables }) => tables.includes(table)));
  for (const table of read) files.set(tableFile(table), [tableBytes(served, table)]);
  for (const field of data.manifest.fields)
    if (hasVocabulary(configOf(data, field.name)))
      files.set(vocabularyPath(field.name), [JSON.stringify((await data.tokens(field.name)).slice(RESERVED_IDS))]);
  files.set('statistics.json', [JSON.stringify(statistics)]);

  const manifest = await writeArtifact(out, {
    manifest: {
      name,
      versions: versions(),
      run: {
        id: record.id,
        dataHash: data.manifest.hash,
        ...seedOf(record),
        ...(checkpoint && { checkpoint: checkpoint.name }),
      },
      model: { ...served.options, key: served.model.key },
      data: dataOf(data),
      graphs: entries,
      ...(flows && { flows: flows.entry }),
      tables: read.map((table) => ({
        name: table,
        file: tableFile(table),
        rows: data.manifest.tableRows,
        dimension: served.dimension,
      })),
      calibration,
      score,
      ...(selection && { selection }),
      ...(checkpoint === undefined && metricsOf(folder)),
    },
    files,
  });
  return { manifest, cells };
}

/**
 * What the artifact's manifest says by the user's wish, checked before any work is done.
 *
 * @throws SCORE_INVALID, SCORE_SCENARIO, ARTIFACT_NAME, ARTIFACT_EXISTS
 */
export function checkExport(
  { data, trained: served }: FinishedRun,
  { out, score, name }: Pick<ExportOptions, 'out' | 'score' | 'name'>,
): Pick<ArtifactManifest, 'score' | 'name'> {
  const found = {
    score: scoreOf(score, data.manifest.scenarios, data.manifest.tasks),
    name: nameOf(name, served),
  };
  checkPlace(out);
  return found;
}

function scoreOf(
  given: ExportOptions['score'],
  scenarios: readonly string[],
  tasks: readonly string[],
): ArtifactManifest['score'] {
  const score = { default: given?.default ?? defaultScore(tasks), scenarios: given?.scenarios ?? {} };
  for (const expression of [score.default, ...Object.values(score.scenarios)]) compileScore(expression, tasks);
  const unknown = Object.keys(score.scenarios).find((name) => !scenarios.includes(name));
  if (unknown !== undefined)
    throw error('SCORE_SCENARIO', { found: unknown, near: nearest(unknown, scenarios, 5), known: [...scenarios] });
  return score;
}

function nameOf(given: string | undefined, { model, data }: TrainedModel): string {
  if (given === undefined) return `${model.key}-${data.name}`.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 64);
  if (!MODEL_NAME.test(given)) throw error('ARTIFACT_NAME', { found: given });
  return given;
}

const seedOf = ({ config }: RunRecord): { seed?: number } =>
  typeof config.seed === 'number' ? { seed: config.seed } : {};

/** The test grid that the end of the training recorded; none for runs of version 0.1, whose logs nothing vouches for. */
function metricsOf(run: string): { metrics?: unknown } {
  if (!isRecordedFinished(run)) return {};
  const result = readMetrics(run).findLast((line) => line.kind === 'result');
  return result === undefined ? {} : { metrics: result.test };
}

/**
 * The graph that says which flows are in force, where the joint graph still decides it and decides as the model did: what is
 * constant needs no graph, and after a lossy selection the model's gates are not those that answer.
 */
export function flowsOf(
  served: TrainedModel,
  joint: Pick<ServingGraph, 'tables'>,
  selection: 'exact' | 'lossy' | undefined,
): { entry: NonNullable<ArtifactManifest['flows']>; bytes: Uint8Array } | undefined {
  const { gates } = servingTensors(served);
  if (gates === undefined || selection === 'lossy' || !joint.tables.includes('gateEmbedding')) return undefined;
  const { bytes, inputs, outputs, tables } = compileServing(served, { gates });
  const names = [...(served.model.flowSelection?.flows ?? [])];
  return { entry: { file: 'flows.onnx', names, inputs: inputs.map(port), outputs: outputs.map(port), tables }, bytes };
}

const port = ({ name, type, shape }: Port) => ({
  name,
  type: type as 'int32' | 'float32',
  shape: shape.map((dim) => (typeof dim === 'number' ? dim : ('batch' as const))),
});

function graphEntry(
  file: string,
  { scenario, inputs, outputs, tables, multiplyAdds, parameters }: ServingGraph,
  selection: ArtifactManifest['graphs'][number]['selection'],
): ArtifactManifest['graphs'][number] {
  return {
    file,
    ...(scenario !== undefined && { scenario }),
    inputs: inputs.map(port),
    outputs: outputs.map(port),
    tables,
    multiplyAdds,
    parameters,
    selection,
  };
}

/** The configuration of a field, its name filled in. */
const configOf = ({ manifest }: PreparedData, name: string): FieldConfig =>
  manifest.config.fields.find((field) => field.name === name) as FieldConfig;

const hasVocabulary = (config: FieldConfig): boolean => !('hash' in config && config.hash !== undefined);

function dataOf(data: PreparedData): ArtifactManifest['data'] {
  const { name, fields, scenarios, tasks, orderedTasks, sequences, tableRows } = data.manifest;
  const ofScenario = scenarioFields(data.manifest.config);
  return {
    name,
    fields: fields.map((field) => {
      const config = configOf(data, field.name);
      return { ...field, config, ...(hasVocabulary(config) && { vocabulary: vocabularyPath(field.name) }) };
    }),
    ...(ofScenario && { scenarioFields: ofScenario }),
    scenarios,
    tasks,
    ...(orderedTasks !== undefined && { orderedTasks }),
    ...(sequences && { sequences }),
    tableRows,
  };
}

const cellStatistics = (
  { manifest: { scenarios, tasks } }: PreparedData,
  validation: ValidationCell[][],
  cells: FittedCell[][],
): ArtifactStatistics['cells'] =>
  scenarios.flatMap((scenario, s) =>
    tasks.map((task, t) => {
      const { logits, probabilities } = validation[s][t];
      const { calibration, rows, positives } = cells[s][t];
      const calibrate = calibrator(calibration);
      const calibrated = Float64Array.from(logits, (logit, i) => calibrate(logit, probabilities[i]));
      return { scenario, task, rows, positives, ...distribution(calibrated) };
    }),
  );
