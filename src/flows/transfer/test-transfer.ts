/** Measures transfer on a prepared data set: training rows for the flow test and the rankers, validation rows for the figures. */
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { TransferDocument } from '../../documents/transfer.ts';
import { analyseFlows } from '../analysis.ts';
import { type FlowSample, flowSource, readFlowRows } from '../read.ts';
import { flowScores, learnedFlows } from '../scores.ts';
import type { LabelTestOptions } from '../test-labels.ts';
import { additiveScores } from './additive.ts';
import { measureCells } from './cells.ts';
import { transferDocument } from './document.ts';

/** What trained models answer to the sampled validation rows: logits [N, T]. */
export interface Answers {
  run: string;
  logits: Float32Array;
  /** Another model, to compare with. */
  against?: { run: string; logits: Float32Array };
}

/**
 * @param answers of the models in question; default: of an additive ranker that shares everything, learned from the training rows
 */
export async function testTransfer(
  data: PreparedData,
  options: LabelTestOptions,
  answers?: (sample: FlowSample) => Promise<Answers>,
): Promise<TransferDocument> {
  const { name, hash, scenarios, tasks } = data.manifest;
  const { rows, validationRows, seed, ...analysis } = options;
  const orderedTasks = analysis.orderedTasks || (data.manifest.orderedTasks ?? false);
  await using reader = await data.open('train');
  const source = flowSource(data, reader, { limit: rows, seed });
  const found = await analyseFlows(source, { ...analysis, orderedTasks });
  const held = await readFlowRows(data, 'validation', { limit: validationRows, seed });
  const models = await answers?.(held);
  const learned = learnedFlows(found.effects, found.terms, found.verdicts, scenarios.length, tasks.length);
  const cells = measureCells({
    ...held,
    scores: flowScores(learned, held.rows),
    additive: additiveScores(found.effects, found.terms, found.verdicts, source, held.rows),
    model: models?.logits,
    against: models?.against?.logits,
    orderedTasks,
    minCount: analysis.minCount,
  });
  return transferDocument(
    {
      data: name,
      dataHash: hash,
      rows: source.rows,
      of: reader.rows,
      validationRows: held.rows.rows,
      scenarios,
      tasks,
      orderedTasks,
      ...(models && { run: models.run }),
      ...(models?.against && { against: models.against.run }),
    },
    found,
    cells,
  );
}
