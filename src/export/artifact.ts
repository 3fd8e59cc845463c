/** From proven graphs to an artifact, with tables, vocabularies, calibration, score and data statistics. */
import { versions } from '../base/version.ts';
import type { FieldConfig } from '../config/dataset.ts';
import { RESERVED_IDS } from '../data/encode/ids.ts';
import { scenarioFields } from '../data/expressions/scenario-fields.ts';
import type { PreparedData } from '../data/prepared/prepared.ts';
import { baseSource } from '../data/sources/source.ts';
import type { Port } from '../graph/index.ts';
import { type ServingGraph, tableFile } from '../inference/graphs/serving.ts';
import { TABLES } from '../inference/model/fit.ts';
import type { FinishedRun } from '../inference/model/run.ts';
import type { ServingModel } from '../inference/serving/serving-model.ts';
import type { ArtifactManifest } from '../store/artifact/manifest.ts';
import { rateTablePath, vocabularyPath } from '../store/artifact/paths.ts';
import { writeArtifact } from '../store/artifact/write.ts';
import { isRecordedFinished } from '../store/run/finished-run.ts';
import { type RunRecord, readFlows, readMetrics } from '../store/run/run-folder.ts';
import { bytesOfTensor, type TensorView } from '../store/tensors.ts';
import type { Calibrated } from './calibrate/calibrate.ts';
import type { StepEvent } from './events.ts';
import type { ArtifactPlan } from './plan.ts';
import { artifactStatistics } from './statistics.ts';

export interface ArtifactParts {
  run: FinishedRun;
  /** Fields of the data set that the model does not read: `run` is without them. */
  unread: readonly string[];
  plan: ArtifactPlan;
  serving: ServingModel;
  /** The first is the joint graph of all scenarios. */
  graphs: readonly ServingGraph[];
  calibrated: Calibrated;
  /** How the graphs were selected. Default: they are the full model. */
  selection?: NonNullable<ArtifactManifest['selection']>;
}

/**
 * Writes an artifact into a folder that is absent or empty. Returns its manifest.
 *
 * @throws ARTIFACT_EXISTS, DISK_FULL, FILE_UNWRITABLE
 */
export async function writeGraphs(
  out: string,
  { run, unread, plan, serving, graphs, calibrated, selection }: ArtifactParts,
  onEvent: (event: StepEvent) => void = () => {},
): Promise<ArtifactManifest> {
  const { folder, record, data, trained, checkpoint } = run;
  onEvent({ event: 'step', step: 'counting the ids of the training rows' });
  const statistics = await artifactStatistics(data, calibrated);

  onEvent({ event: 'step', step: 'writing' });
  const files = new Map<string, Iterable<string | Uint8Array>>();
  const entries = graphs.map((graph) => {
    const file = graph.scenario === undefined ? 'graph.onnx' : `scenario-${graph.scenario}.onnx`;
    files.set(file, [graph.bytes]);
    return graphEntry(file, graph, selection?.kind ?? 'none');
  });
  const verdict = readFlows(folder);
  const flows = flowsOf(serving, graphs[0], selection?.kind);
  if (flows !== undefined) files.set(flows.entry.file, [flows.bytes]);
  const read = TABLES.filter((table) => graphs.some(({ tables }) => tables.includes(table)));
  for (const table of read) files.set(tableFile(table), bytesOfTensor(trained.tensors.get(table) as TensorView));
  for (const field of data.manifest.fields)
    if (hasVocabulary(configOf(data, field.name)))
      files.set(vocabularyPath(field.name), [JSON.stringify((await data.tokens(field.name)).slice(RESERVED_IDS))]);
  for (const { name, rates } of data.manifest.fields)
    if (rates !== undefined) files.set(rateTablePath(name), [JSON.stringify(await data.rates(name))]);
  files.set('statistics.json', [JSON.stringify(statistics)]);

  return writeArtifact(out, {
    manifest: {
      name: plan.name,
      versions: versions(),
      run: {
        id: record.id,
        dataHash: data.manifest.hash,
        ...seedOf(record),
        ...(checkpoint && { checkpoint: checkpoint.name }),
      },
      model: { ...trained.options, key: trained.model.key },
      data: { ...dataOf(data), ...(unread.length > 0 && { unreadFields: [...unread] }) },
      graphs: entries,
      ...(flows && { flows: flows.entry }),
      ...(verdict && { verdict }),
      tables: read.map((table) => ({
        name: table,
        file: tableFile(table),
        rows: data.manifest.tableRows,
        dimension: trained.dimension,
      })),
      calibration: calibrated.cells.map((row) => row.map(({ calibration }) => calibration)),
      reliability: calibrated.reliability,
      score: plan.score,
      ...(selection && { selection }),
      ...(checkpoint === undefined && metricsOf(folder)),
    },
    files,
  });
}

const seedOf = ({ config }: RunRecord): { seed?: number } =>
  typeof config.seed === 'number' ? { seed: config.seed } : {};

/** The test grid that the training recorded at its end; none for runs of version 0.1, whose logs have no checksum. */
function metricsOf(run: string): { metrics?: unknown } {
  if (!isRecordedFinished(run)) return {};
  const result = readMetrics(run).findLast((line) => line.kind === 'result');
  return result === undefined ? {} : { metrics: result.test };
}

/**
 * The graph of the active flows, if the joint graph still computes gates and computes them like the model. Constant gates need no
 * graph, and after a lossy selection the gates of the model are not those in use.
 */
export function flowsOf(
  { trained, tensors: { gates }, compile }: ServingModel,
  joint: Pick<ServingGraph, 'tables'>,
  selection: 'exact' | 'lossy' | undefined,
): { entry: NonNullable<ArtifactManifest['flows']>; bytes: Uint8Array } | undefined {
  if (gates === undefined || selection === 'lossy' || !joint.tables.includes('gateEmbedding')) return undefined;
  const { bytes, inputs, outputs, tables } = compile({ gates });
  const names = [...(trained.model.flowSelection?.flows ?? [])];
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
      return {
        ...field,
        config,
        ...(hasVocabulary(config) && { vocabulary: vocabularyPath(field.name) }),
        ...(field.rates && { table: rateTablePath(field.name) }),
      };
    }),
    ...(ofScenario && { scenarioFields: ofScenario }),
    preparation: preparationOf(data),
    scenarios,
    tasks,
    ...(orderedTasks !== undefined && { orderedTasks }),
    ...(sequences && { sequences }),
    tableRows,
  };
}

/** How the sources were read: what tables of features are computed by. */
function preparationOf({ manifest: { config, columns } }: PreparedData): ArtifactManifest['data']['preparation'] {
  return {
    from: baseSource(config),
    sources: Object.fromEntries(
      Object.entries(config.sources).map(([name, { nullValues, derive }]) => [
        name,
        { columns: columns[name] ?? [], nullValues, ...(derive && { derive }) },
      ]),
    ),
    joins: config.joins.map(({ source, on }) => ({ source, on })),
  };
}
