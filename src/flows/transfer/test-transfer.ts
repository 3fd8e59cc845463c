/** Measures transfer on a prepared data set: training rows for the flow test and the rankers, validation rows for the figures. */
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { FlowDocument } from '../../documents/flows.ts';
import type { TransferComparison, TransferDocument } from '../../documents/transfer.ts';
import { analyseFlows } from '../analysis.ts';
import { flowDocument } from '../document.ts';
import { FLOWS } from '../likelihood.ts';
import { type FlowSample, readFlowRows } from '../read.ts';
import { flowScores, learnedFlows } from '../scores.ts';
import type { LabelTestOptions } from '../test-labels.ts';
import { additiveScores } from './additive.ts';
import { type CellTransfer, type Comparison, claimed, measureCells } from './cells.ts';

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
  const sample = await readFlowRows(data, 'train', { limit: rows, seed });
  const found = analyseFlows(sample.rows, { ...analysis, orderedTasks });
  const held = await readFlowRows(data, 'validation', { limit: validationRows, seed });
  const models = await answers?.(held);
  const learned = learnedFlows(found.effects, found.terms, found.verdicts, scenarios.length, tasks.length);
  const cells = measureCells({
    ...held,
    scores: flowScores(learned, held.rows),
    additive: additiveScores(found.effects, found.terms, found.verdicts, sample.rows, held.rows),
    model: models?.logits,
    against: models?.against?.logits,
    orderedTasks,
    minCount: analysis.minCount,
  });
  const about = { data: name, dataHash: hash, rows: sample.rows.rows, of: sample.of, scenarios, tasks, orderedTasks };
  const { flows, notes } = flowDocument({ ...about, source: 'labels' }, found, []);
  return {
    schema: 'transfer/1',
    ...about,
    scenarios: [...scenarios],
    tasks: [...tasks],
    source: models === undefined ? 'labels' : 'model',
    ...(models && { run: models.run }),
    ...(models?.against && { against: models.against.run }),
    validationRows: held.rows.rows,
    cells: describedCells(cells, scenarios, tasks),
    flows: describedFlows(cells, flows),
    notes: [...notes, ...sharingNotes(scenarios.length, tasks.length)],
  };
}

function describedCells(
  cells: readonly CellTransfer[],
  scenarios: readonly string[],
  tasks: readonly string[],
): TransferDocument['cells'] {
  const [selective, everything, models] = (['selective', 'everything', 'models'] as const).map((kind) =>
    withVerdicts(cells.map((cell) => cell[kind])),
  );
  return cells.map(({ rows, positives, selective: shared }, c) => ({
    scenario: scenarios[Math.floor(c / tasks.length)],
    task: tasks[c % tasks.length],
    rows,
    positives,
    selective: selective[c],
    everything: everything[c],
    models: models[c],
    ...(shared === undefined && { reason: 'too few positives or negatives among the validation rows' }),
  }));
}

function withVerdicts(comparisons: readonly (Comparison | undefined)[]): (TransferComparison | null)[] {
  const claims = claimed(comparisons.map((comparison) => comparison?.p));
  return comparisons.map((comparison, c) => {
    if (comparison === undefined) return null;
    const verdict = !claims[c] ? 'undecided' : comparison.aucChange.value > 0 ? 'gains' : 'loses';
    return { verdict, ...comparison };
  });
}

/** Negative transfer is tested where the flow test found a flow useless: the claims are a family. */
function describedFlows(cells: readonly CellTransfer[], flows: FlowDocument['flows']): TransferDocument['flows'] {
  const lines = flows.map(({ scenario, task, flow, name, verdict, strength }, i) => {
    const measured = cells[Math.floor(i / FLOWS)].flows[flow - 1];
    return { scenario, task, flow, name, verdict, strength, measured: measured ?? null };
  });
  const p = lines.map(({ verdict, measured }) => (verdict === 'useless' ? measured?.p : undefined));
  const claims = claimed(p);
  return lines.map((line, i) => ({ ...line, negative: p[i] === undefined ? null : claims[i] }));
}

function sharingNotes(S: number, T: number): string[] {
  if (S === 1 && T === 1) return ['One scenario and one task: there is nothing to share.'];
  if (S === 1) return ['One scenario: tasks share with each other, scenarios cannot.'];
  if (T === 1) return ['One task: scenarios share with each other, tasks cannot.'];
  return [];
}
