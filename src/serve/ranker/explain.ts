/**
 * What each field contributes to a row: the logit of the row minus the logit of the same row with that field unknown
 * (out of vocabulary; a multi-value field without values; a rate as of new values; sequences without items). This is occlusion, as in Zeiler and Fergus,
 * "Visualizing and Understanding Convolutional Networks" (2014). Contributions do not add up to the logit where fields
 * interact: each says what would be lost without this field alone.
 */
import type { Answers } from '../../inference/executor.ts';
import type { Explanation, Rows } from './contract.ts';
import type { RequestEncoder } from './rows.ts';

export interface RowsToExplain {
  /** Rows of `encoded` to explain, in this order. */
  rows: readonly number[];
  encoded: Rows;
  /** Of `encoded`. */
  outputs: Answers;
  encoder: RequestEncoder;
  tasks: readonly string[];
  run: (rows: Rows) => Promise<Answers>;
}

/** Rows in memory at once: with n fields, a row to explain becomes n rows of all slots. */
const ROWS = 4096;

export async function explainRows(request: RowsToExplain): Promise<Explanation[]> {
  const { rows, encoder } = request;
  const together = Math.max(1, Math.floor(ROWS / encoder.parts.length));
  const explanations: Explanation[] = [];
  for (let from = 0; from < rows.length; from += together) {
    // Rows that wait at the same time run as one batch.
    const part = rows.slice(from, from + together).map((row) => explainRow(request, row));
    explanations.push(...(await Promise.all(part)));
  }
  return explanations;
}

async function explainRow({ encoded, outputs, encoder, tasks, run }: RowsToExplain, row: number): Promise<Explanation> {
  const without = await run(
    encoder.without(
      encoded,
      row,
      encoder.parts.map((_, part) => [part]),
    ),
  );
  const contribution = (part: number, t: number): number =>
    outputs.logits[row * tasks.length + t] - without.logits[part * tasks.length + t];
  const fields = encoder.parts.map((name, part) => [
    name,
    Object.fromEntries(tasks.map((task, t) => [task, contribution(part, t)])),
  ]);
  return { fields: Object.fromEntries(fields) };
}

/** The flows that each task still has in row `row` of `gates` [rows, flows * T]. A gate of 1 removes its flow. */
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
