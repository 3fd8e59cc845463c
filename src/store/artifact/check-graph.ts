/** Checks that a graph file matches the manifest, and that its inputs and outputs match the data. */
import { error } from '../../base/errors/index.ts';
import type { ArtifactManifest } from './manifest.ts';
import { type OnnxPort, type OnnxSummary, summarizeOnnx } from './onnx.ts';

type GraphEntry = ArtifactManifest['graphs'][number];
type Port = GraphEntry['inputs'][number];

type Ports = Pick<GraphEntry, 'inputs' | 'outputs' | 'tables'>;

/** @throws ARTIFACT_GRAPH with all problems */
export const checkGraph = (path: string, bytes: Uint8Array, entry: GraphEntry, manifest: ArtifactManifest): void =>
  check(path, bytes, entry, graphPorts(manifest.data, entry.scenario), manifest);

/** The same for the graph of the flow gates. */
export function checkFlows(path: string, bytes: Uint8Array, manifest: ArtifactManifest): void {
  const { flows, data } = manifest;
  if (flows === undefined) return;
  const shape = ['batch' as const, flows.names.length * data.tasks.length];
  const outputs: Port[] = [{ name: 'gates', type: 'float32', shape }];
  check(path, bytes, flows, { inputs: graphPorts(data, undefined).inputs, outputs }, manifest);
}

function check(
  path: string,
  bytes: Uint8Array,
  entry: Ports,
  wanted: { inputs: Port[]; outputs: Port[] },
  manifest: ArtifactManifest,
): void {
  let summary: OnnxSummary;
  try {
    summary = summarizeOnnx(bytes);
  } catch (cause) {
    throw error('ARTIFACT_GRAPH', { path, problems: [`it is not an ONNX model: ${(cause as Error).message}`] });
  }
  const problems = [
    ...portProblems('input', entry.inputs, summary.inputs, wanted.inputs),
    ...portProblems('output', entry.outputs, summary.outputs, wanted.outputs),
    ...wanted.outputs
      .filter(({ name }) => !entry.outputs.some((port) => port.name === name))
      .map(({ name }) => `it gives no ${name}`),
    ...tableProblems(entry, summary, manifest),
    ...summary.domains.map((domain) => `it needs ops of ${domain}`),
    ...summary.unusual.map((part) => `it has ${part}`),
  ];
  if (problems.length > 0) throw error('ARTIFACT_GRAPH', { path, problems });
}

/** The possible inputs and the required outputs of a graph. A graph omits inputs that its model does not read. */
function graphPorts(
  { fields, tasks, sequences }: ArtifactManifest['data'],
  scenario: number | undefined,
): { inputs: Port[]; outputs: Port[] } {
  const slots = fields.reduce((sum, field) => sum + field.slots, 0);
  return {
    inputs: [
      { name: 'ids', type: 'int32', shape: ['batch', slots] },
      ...(scenario === undefined ? [{ name: 'scenario', type: 'int32', shape: ['batch'] } satisfies Port] : []),
      ...(sequences === undefined
        ? []
        : [
            {
              name: 'sequences',
              type: 'int32',
              shape: ['batch', sequences.types.length, sequences.length],
            } satisfies Port,
          ]),
    ],
    outputs: [
      { name: 'logits', type: 'float32', shape: ['batch', tasks.length] },
      ...tasks.map((task): Port => ({ name: `probability_${task}`, type: 'float32', shape: ['batch'] })),
    ],
  };
}

const shown = (port: Port | OnnxPort): string => `${port.name} ${port.type} [${port.shape.join(', ')}]`;

/** The manifest and the file must name the same ports, and all must be known from the data. */
function portProblems(kind: string, declared: readonly Port[], found: readonly OnnxPort[], known: readonly Port[]) {
  const declaredTexts = declared.map(shown);
  const foundTexts = found.map(shown);
  const knownTexts = known.map(shown);
  return [
    ...foundTexts
      .filter((port) => !knownTexts.includes(port))
      .map((port) => `${kind} ${port}: the data have ${knownTexts.join('; ')}`),
    ...foundTexts
      .filter((port) => !declaredTexts.includes(port))
      .map((port) => `${kind} ${port} is not in the manifest`),
    ...declaredTexts
      .filter((port) => !foundTexts.includes(port))
      .map((port) => `${kind} ${port} is in the manifest alone`),
  ];
}

/** Tensors outside the graph must be the tables that it names, each complete. */
function tableProblems({ tables: names }: Ports, { external }: OnnxSummary, { tables }: ArtifactManifest): string[] {
  const read = tables.filter(({ name }) => names.includes(name));
  return [
    ...external.flatMap(({ name, shape, location, offset, length }) => {
      const table = read.find(({ file }) => file === location);
      if (table === undefined) return [`${name} lies in ${JSON.stringify(location)}, which is no table of the graph`];
      const bytes = 4 * table.rows * table.dimension;
      return shape.join() === [table.rows, table.dimension].join() && offset === 0 && length === bytes
        ? []
        : [
            `${name} is [${shape}] of ${length} bytes from ${offset} on; ${location} is [${table.rows},${table.dimension}]`,
          ];
    }),
    ...read
      .filter(({ file }) => !external.some(({ location }) => location === file))
      .map(({ name }) => `it does not read the table ${name}`),
  ];
}
