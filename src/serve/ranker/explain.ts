/**
 * What each field contributes to a row: the logit of the row minus the logit of the same row with that field unknown
 * (out of vocabulary; of a multi-value field no value; of sequences no item). This is occlusion, as in Zeiler and Fergus,
 * "Visualizing and Understanding Convolutional Networks" (2014). Contributions of fields that work together do not add up
 * to the logit: each says what would be lost with this field alone.
 */
import type { Explanation, Outputs, Rows } from './contract.ts';
import type { RequestEncoder } from './rows.ts';

export interface RowsToExplain {
  /** Rows of `encoded`, in the order wanted. */
  rows: readonly number[];
  encoded: Rows;
  /** Of `encoded`. */
  outputs: Outputs;
  encoder: RequestEncoder;
  tasks: readonly string[];
  run: (rows: Rows) => Promise<Outputs>;
}

/** Rows that are made at once: of a model with many fields a row to explain is as many rows of as many slots. */
const ROWS = 4096;

export async function explainRows(request: RowsToExplain): Promise<Explanation[]> {
  const { rows, encoder } = request;
  const together = Math.max(1, Math.floor(ROWS / encoder.parts.length));
  const explanations: Explanation[] = [];
  for (let from = 0; from < rows.length; from += together) {
    // Asked for one by one, run together: rows that wait at the same time are a batch.
    const part = rows.slice(from, from + together).map((row) => explainRow(request, row));
    explanations.push(...(await Promise.all(part)));
  }
  return explanations;
}

async function explainRow({ encoded, outputs, encoder, tasks, run }: RowsToExplain, row: number): Promise<Explanation> {
  const without = await run(encoder.withoutEach(encoded, row));
  const contribution = (part: number, t: number): number =>
    outputs.logits[row * tasks.length + t] - without.logits[part * tasks.length + t];
  const fields = encoder.parts.map((name, part) => [
    name,
    Object.fromEntries(tasks.map((task, t) => [task, contribution(part, t)])),
  ]);
  return { fields: Object.fromEntries(fields) };
}

/** Of one row's gates [rows, flows * T], flow by flow: the flows that each task still has. A gate of 1 takes its flow away. */
export function flowsInForce(
  gates: Float32Array,
  row: number,
  flows: readonly string[],
  tasks: readonly string[],
): Record<string, string[]> {
  const width = flows.length * tasks.length;
  const isKept = (flow: number, task: number): boolean => gates[row * width + flow * tasks.length + task] === 0;
  return Object.fromEntries(tasks.map((task, t) => [task, flows.filter((_, k) => isKept(k, t))]));
}
