/** The analysis of a prepared data set: training rows for the search, validation rows for the certificate. */
import type { PreparedData } from '../data/prepared/prepared.ts';
import type { FlowDocument } from '../documents/flows.ts';
import { analyseFlows, type FlowOptions } from './analysis.ts';
import { certify } from './certificate.ts';
import { flowDocument } from './document.ts';
import { flowSource, readFlowRows } from './read.ts';
import { flowScores, learnedFlows } from './scores.ts';

export interface LabelTestOptions extends FlowOptions {
  /** Training rows that are drawn. */
  rows: number;
  /** Validation rows at most. */
  validationRows: number;
  seed: number;
}

/** The defaults of `flows --test`; models that are built from a verdict are tested with the same. */
export const FLOW_TEST = { rows: 50_000, validationRows: 200_000, seed: 1 };

/** Which flows reach which cells, by the labels of training rows, with a certificate from validation rows. */
export async function testLabels(data: PreparedData, options: LabelTestOptions): Promise<FlowDocument> {
  const { name, hash, scenarios, tasks, orderedTasks = false } = data.manifest;
  const { rows, validationRows, seed, ...analysis } = options;
  const ordered = analysis.orderedTasks || orderedTasks;
  await using reader = await data.open('train');
  const source = flowSource(data, reader, { limit: rows, seed });
  const found = await analyseFlows(source, { ...analysis, orderedTasks: ordered });
  const [S, T] = [scenarios.length, tasks.length];
  const learned = learnedFlows(found.effects, found.terms, found.verdicts, S, T);
  const held = await readFlowRows(data, 'validation', { limit: validationRows, seed });
  const certificates = certify(held.rows, flowScores(learned, held.rows), held.group, ordered);
  const about = { data: name, dataHash: hash, source: 'labels' as const, scenarios, tasks, orderedTasks: ordered };
  return flowDocument({ ...about, rows: source.rows, of: reader.rows }, found, certificates);
}
