/**
 * An artifact: one folder with all that a server needs of a trained model. Nothing in it is executed.
 *
 *   manifest.json             describes the artifact, sealed by a checksum; lists every other file with size and SHA-256
 *   graph.onnx                rows of any scenario -> probabilities
 *   scenario-<index>.onnx     rows of one scenario -> probabilities, smaller; only after a selection
 *   flows.onnx                rows of any scenario -> the active flow gates; only if the model has gates and the selection is not lossy
 *   <table>.bin               embedding tables, float32 little-endian, row by row: external data of the graphs
 *   vocabularies/<field>.json tokens of a field by id, from the first unreserved id
 *   vocabularies/<field>.rates.json   table of a rate field
 *   statistics.json           statistics of the training rows, the reference for drift
 *
 * Inputs of a graph: `ids` int32 [batch, slots]; `scenario` int32 [batch], only in joint graphs; `sequences` int32 [batch, K, L]
 * if the model reads them. Outputs: `logits` float32 [batch, T] and `probability_<task>` float32 [batch], before calibration.
 */
import { z } from 'zod';
import { calibrationReliabilitySchema, calibrationSchema } from '../../documents/artifact.ts';
import { flowDocumentSchema } from '../../documents/flows.ts';
import { selectionRecord } from '../../documents/selection.ts';
import { dataDescription, fieldDescription } from '../data-description.ts';
import { INSIDE, MODEL_NAME } from './paths.ts';

const count = z.int().min(0);

/** How preparation read the sources: what tables of features are read and computed by. */
const preparation = z.strictObject({
  /** The source whose rows were the examples. */
  from: z.string(),
  sources: z.record(
    z.string(),
    z.strictObject({
      /** As expressions saw them, those derived included. */
      columns: z.array(z.strictObject({ name: z.string(), type: z.string(), written: z.literal(true).optional() })),
      nullValues: z.array(z.string()),
      derive: z.record(z.string(), z.string()).optional(),
    }),
  ),
  joins: z.array(z.strictObject({ source: z.string(), on: z.record(z.string(), z.string()) })),
});
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 has 64 hexadecimal digits');
const inside = z.string().regex(INSIDE, 'a path inside the artifact');

const port = z.strictObject({
  name: z.string(),
  type: z.enum(['int32', 'float32']),
  /** 'batch' or a fixed size. */
  shape: z.array(z.union([z.literal('batch'), count])),
});

const graph = z.strictObject({
  file: inside,
  /** Index of the one scenario that it answers; absent for the joint graph. */
  scenario: count.optional(),
  inputs: z.array(port),
  outputs: z.array(port),
  /** Tables that the graph reads, by name. */
  tables: z.array(z.string()),
  /** Multiply-adds per row, only in matrix products. */
  multiplyAdds: count,
  /** Dense parameters in the graph, without embedding tables. */
  parameters: count,
  /** How selection changed the graph: not at all; equal on the measured rows; or within a measured loss of AUC. */
  selection: z.enum(['none', 'exact', 'lossy']),
});

export const artifactSchema = z.strictObject({
  format: z.literal('tributary-artifact'),
  version: z.literal(1),
  /** Name of the model in requests: `<model>-<data set>` unless the user chose one. */
  name: z.string().regex(MODEL_NAME, 'letters, digits, dots, dashes, underscores; 64 at most'),
  /** First 12 digits of the SHA-256 over the file contents: equal for equal artifacts. Answers contain it. */
  id: z.string().regex(/^[0-9a-f]{12}$/),
  created: z.iso.datetime(),
  /** Versions of Tributary, Node and ONNX Runtime. */
  versions: z.record(z.string(), z.string()),
  run: z.strictObject({
    id: z.string(),
    dataHash: z.string(),
    seed: count.optional(),
    /** Name of the checkpoint that the weights come from; absent for the finished model. */
    checkpoint: z.string().optional(),
  }),
  /** Key of the model in the zoo, and its options. */
  model: z.looseObject({ key: z.string() }),
  data: dataDescription.extend({
    /** Input of the row encoder for each field: its configuration, and its position in the table and in a row. */
    fields: z.array(
      fieldDescription.extend({
        /** As in the data set's configuration. */
        config: z.looseObject({ name: z.string() }),
        /** Vocabulary file; absent for hashed fields. */
        vocabulary: inside.optional(),
        /** Table of a rate: `keys` and `ids` of the combinations of values that training rows have. */
        table: inside.optional(),
      }),
    ),
    /** Fields of the data set that the model does not read: requests may have them. Absent if it reads all. */
    unreadFields: z.array(z.string()).min(1).optional(),
    /** Fields that are the scenario under another name, and their value in each scenario; absent if there are none. */
    scenarioFields: z.strictObject({ names: z.array(z.string()).min(1), values: z.array(z.string()) }).optional(),
    /** Artifacts of older versions do not say. */
    preparation: preparation.optional(),
  }),
  /** The joint graph first, then those of single scenarios. */
  graphs: z.array(graph).min(1),
  /** The graph of the flow gates, for explanations: `gates` float32 [batch, flows * T], 0 or 1, flow by flow. */
  flows: z
    .strictObject({
      file: inside,
      names: z.array(z.string()).min(1),
      inputs: z.array(port),
      outputs: z.array(port),
      tables: z.array(z.string()),
    })
    .optional(),
  /** The verdict on flows that the model is built from, with its certificates. */
  verdict: flowDocumentSchema.optional(),
  tables: z.array(z.strictObject({ name: z.string(), file: inside, rows: count, dimension: z.int().min(1) })),
  /** [S][T] */
  calibration: z.array(z.array(calibrationSchema)),
  /** How well probabilities fit before and after calibration; artifacts of older versions do not say. */
  reliability: calibrationReliabilitySchema.optional(),
  /** Expressions over the tasks' names, as in `click * 0.3 + purchase`. */
  score: z.strictObject({
    default: z.string().min(1),
    /** By scenario name. */
    scenarios: z.record(z.string(), z.string().min(1)).default({}),
  }),
  /** How the graphs were made smaller; absent without a selection. */
  selection: selectionRecord.optional(),
  /** Test grid of the model, as `evaluate --json` prints it; absent for imported weights. */
  metrics: z.unknown().optional(),
  files: z.record(inside, z.strictObject({ bytes: count, sha256 })),
});

export type ArtifactManifest = z.output<typeof artifactSchema>;
