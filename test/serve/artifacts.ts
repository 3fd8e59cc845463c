/** Small artifacts with drawn weights, written as an export writes them, in milliseconds. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256 } from '../../src/base/hash.ts';
import { seal } from '../../src/base/seal.ts';
import type { FieldConfig } from '../../src/config/dataset.ts';
import type { Calibration } from '../../src/documents/artifact.ts';
import { flowsOf } from '../../src/export/artifact.ts';
import { rewriter } from '../../src/export/select/rewrite.ts';
import { switchesOf } from '../../src/export/select/switches.ts';
import { type ServingGraph, tableFile } from '../../src/inference/graphs/serving.ts';
import { modelSizes } from '../../src/inference/model/sizes.ts';
import type { TrainedModel } from '../../src/inference/model/trained.ts';
import { createServing, type ServingModel } from '../../src/inference/serving/serving-model.ts';
import { networkOf } from '../../src/model/network.ts';
import { findModel } from '../../src/model/registry.ts';
import { artifactId } from '../../src/store/artifact/check-manifest.ts';
import type { ArtifactManifest } from '../../src/store/artifact/manifest.ts';
import type { CellStatistics } from '../../src/store/artifact/statistics.ts';

import { drawn, tableBytes } from '../export/served.ts';

export interface ArtifactRequest {
  folder: string;
  /** Other weights, another artifact. Default 1. */
  seed?: number;
  name?: string;
  /** A model that reads the user's last items. Default false. */
  sequences?: boolean;
  /** [S][T]; default none. */
  calibration?: Calibration[][];
  score?: ArtifactManifest['score'];
  /** Fields of the data to leave out. */
  without?: string[];
  /** A graph for each scenario beside the joint one, as after a selection. Default false. */
  selected?: boolean;
  /** Tokens of the field `item`. Default 60. */
  items?: number;
  /** Hashes of the field `city`: the size of the tables. Default 16. */
  cities?: number;
  /** How the data were prepared. Default: the artifact does not say. */
  preparation?: ArtifactManifest['data']['preparation'];
  /** Folders and times of making differ where contents do not. */
  created?: string;
  /** Statistics of the probabilities of cells. Default: none. */
  cells?: CellStatistics[];
  /** Other scenarios, tasks and fields than usual. */
  data?: TestData;
}

export interface TestData {
  scenarios: string[];
  tasks: string[];
  /** Those with `tokens` have a vocabulary. */
  fields: { config: FieldConfig; tokens?: string[]; edges?: number[] }[];
}

const tokens = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Every kind of field: vocabularies of texts and of numbers, buckets, several values, hashing. */
const FIELDS: TestData['fields'] = [
  { config: { name: 'user', kind: 'categorical' }, tokens: tokens('u', 40) },
  {
    config: { name: 'age', kind: 'numeric', buckets: { edges: [18, 30, 50] } },
    tokens: ['0', '1', '2', '3'],
    edges: [18, 30, 50],
  },
  { config: { name: 'city', kind: 'categorical', hash: 16 } },
  { config: { name: 'item', kind: 'categorical' }, tokens: tokens('', 60) },
  { config: { name: 'tags', kind: 'multi', separator: '|', maxLength: 3, pooling: 'mean' }, tokens: tokens('t', 10) },
  { config: { name: 'hour', kind: 'categorical' }, tokens: tokens('', 24) },
];

const USUAL: TestData = { scenarios: ['home', 'search', 'detail "x"'], tasks: ['click', 'purchase'], fields: FIELDS };

/** Writes an artifact and returns its manifest. */
export function writeTestArtifact(request: ArtifactRequest): ArtifactManifest {
  const { folder, seed = 1, name = 'test-model', sequences = false } = request;
  const served = drawModel(request, seed, sequences);
  const serving = createServing(served);
  const graph = serving.compile(serving.tensors.outputs);
  const fields = chosen(request);
  const flows = flowsOf(serving, graph, undefined);
  const graphs = [graph, ...(request.selected ? scenarioGraphs(serving, served.data.scenarios) : [])];
  const fileOf = ({ scenario }: ServingGraph): string =>
    scenario === undefined ? 'graph.onnx' : `scenario-${scenario}.onnx`;
  const files: Record<string, Uint8Array> = {
    ...Object.fromEntries(graphs.map((each) => [fileOf(each), each.bytes])),
    ...(flows && { [flows.entry.file]: flows.bytes }),
    'statistics.json': Buffer.from(JSON.stringify(statistics(served, fields, request.cells))),
    ...Object.fromEntries(graph.tables.map((t) => [tableFile(t), tableBytes(served, t)])),
    ...Object.fromEntries(
      fields.flatMap((f) =>
        f.tokens === undefined
          ? []
          : [[`vocabularies/${f.config.name}.json`, Buffer.from(JSON.stringify(f.tokens))] as const],
      ),
    ),
  };
  const port = ({ name: portName, shape, type }: (typeof graph.inputs)[number]) => ({
    name: portName,
    type: type as 'int32' | 'float32',
    shape: shape.map((size) => (size === 'B' ? ('batch' as const) : (size as number))),
  });
  const content: Omit<ArtifactManifest, 'id'> = {
    format: 'tributary-artifact',
    version: 1,
    name,
    created: request.created ?? '2026-01-01T00:00:00.000Z',
    versions: {},
    run: { id: 'drawn', dataHash: 'drawn', seed },
    model: { ...served.options, key: served.model.key },
    data: {
      name: 'drawn',
      fields: served.data.fields.map((field, i) => ({
        ...field,
        config: fields[i].config,
        ...(fields[i].tokens && { vocabulary: `vocabularies/${field.name}.json` }),
      })),
      scenarios: served.data.scenarios,
      tasks: served.data.tasks,
      sequences: served.data.sequences,
      tableRows: served.data.tableRows,
      preparation: request.preparation,
    },
    graphs: graphs.map((each) => ({
      file: fileOf(each),
      scenario: each.scenario,
      inputs: each.inputs.map(port),
      outputs: each.outputs.map(port),
      tables: each.tables,
      multiplyAdds: each.multiplyAdds,
      parameters: each.parameters,
      selection: 'none' as const,
    })),
    ...(flows && { flows: flows.entry }),
    tables: graph.tables.map((t) => ({
      name: t,
      file: tableFile(t),
      rows: served.data.tableRows,
      dimension: served.dimension,
    })),
    calibration:
      request.calibration ?? served.data.scenarios.map(() => served.data.tasks.map(() => ({ kind: 'none' as const }))),
    score: request.score ?? { default: 'click * 0.3 + purchase', scenarios: { search: 'click' } },
    files: Object.fromEntries(
      Object.entries(files).map(([file, data]) => [file, { bytes: data.length, sha256: sha256(data) }]),
    ),
  };
  // As the reader parses it: what is not written has no part in the id.
  const manifest: ArtifactManifest = JSON.parse(JSON.stringify(content));
  manifest.id = artifactId(manifest);
  rmSync(folder, { recursive: true, force: true });
  for (const [file, data] of Object.entries({ ...files, 'manifest.json': Buffer.from(seal(manifest)) })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), data);
  }
  return manifest;
}

const chosen = ({ without = [], cities = 16, items = 60, data = USUAL }: ArtifactRequest): TestData['fields'] =>
  data.fields
    .filter(({ config }) => !without.includes(config.name))
    .map((field) => {
      if ('hash' in field.config) return { ...field, config: { ...field.config, hash: cities } };
      return field.config.name === 'item' ? { ...field, tokens: tokens('', items) } : field;
    });

/** One for each scenario, with nothing decided. */
function scenarioGraphs(serving: ServingModel, scenarios: readonly string[]): ServingGraph[] {
  const switches = switchesOf(serving.tensors);
  const decisions = Object.fromEntries(
    switches.map(({ name, count }) => [name, scenarios.map(() => new Array<null>(count).fill(null))]),
  );
  return rewriter(serving, switches, decisions, true)({}).scenarios;
}

function drawModel(request: ArtifactRequest, seed: number, sequences: boolean): TrainedModel {
  let offset = 0;
  const fields = chosen(request).map(({ config, tokens: known, edges }) => {
    const size = 2 + (known?.length ?? ('hash' in config ? (config.hash as number) : 0));
    const field = {
      name: config.name,
      kind: config.kind,
      offset,
      size,
      slots: config.kind === 'multi' ? config.maxLength : 1,
      pooling: 'mean' as const,
      ...(edges && { edges }),
    };
    offset += size;
    return field;
  });
  const data: TrainedModel['data'] = {
    name: 'drawn',
    hash: 'drawn',
    tableRows: offset,
    fields,
    scenarios: request.data?.scenarios ?? USUAL.scenarios,
    tasks: request.data?.tasks ?? USUAL.tasks,
    ...(sequences && { sequences: { itemField: 'item', length: 4, types: ['viewed', 'bought'], from: 'train rows' } }),
  };
  const model = findModel(sequences ? 'dtrn' : 'autoifs');
  const options = model.options.parse({ key: model.key, embeddingDim: 4, ...(sequences ? {} : { mlpDims: [16, 8] }) });
  const sizes = modelSizes(data);
  const { dimension } = networkOf(model, options, sizes);
  return drawn({ model, options, sizes, data, dimension }, seed);
}

/** Of a training set in which every token is as frequent as any other and a tenth of the values has no id. */
function statistics({ data }: TrainedModel, fields: TestData['fields'], cells: CellStatistics[] = []): object {
  return {
    version: 1,
    rows: 1000,
    scenarios: data.scenarios.map((name) => ({ name, rows: 100 })),
    fields: data.fields.map(({ name, size }, i) => {
      const ids = fields[i].tokens === undefined ? [] : Array.from({ length: Math.min(size - 2, 20) }, (_, k) => k + 2);
      const share = 0.9 / (size - 2);
      return {
        name,
        values: 1000,
        ids,
        shares: ids.map(() => share),
        outOfVocabulary: 0.1,
        rest: Math.max(0.9 - share * ids.length, 0),
      };
    }),
    cells,
  };
}
