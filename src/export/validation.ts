/** The validation rows as a model scores them, taken apart by scenario and task. */
import type { PreparedData } from '../data/prepared/prepared.ts';
import { batchesOf } from '../inference/serving/rows-session.ts';
import type { Server } from '../inference/serving/scorer.ts';
import type { Labelled } from './calibrate/isotonic.ts';

/** All rows of one scenario, for one task. */
export interface ValidationCell {
  logits: Float32Array;
  probabilities: Float32Array;
  /** NaN where missing. */
  labels: Float32Array;
}

/** Scores every validation row: [S][T]. Memory: 12 bytes a row and task. */
export async function scoreValidation(data: PreparedData, server: Server): Promise<ValidationCell[][]> {
  const { scenarios, tasks } = data.manifest;
  const cells = scenarios.map(() => tasks.map(() => ({ logits: [], probabilities: [], labels: [] }) as Parts));
  for await (const batch of batchesOf(data, 'validation')) {
    const found = await server.score(batch);
    const all = { ...found, labels: batch.labels };
    scenarios.forEach((_, s) => {
      const rows = Array.from({ length: batch.size }, (_, row) => row).filter((row) => batch.scenario[row] === s);
      tasks.forEach((_, t) => {
        for (const name of NAMES)
          cells[s][t][name].push(Float32Array.from(rows, (row) => all[name][row * tasks.length + t]));
      });
    });
  }
  return cells.map((row) =>
    row.map(({ logits, probabilities, labels }) => ({
      logits: joined(logits),
      probabilities: joined(probabilities),
      labels: joined(labels),
    })),
  );
}

const NAMES = ['logits', 'probabilities', 'labels'] as const;
type Parts = Record<(typeof NAMES)[number], Float32Array[]>;

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The rows that have a label. */
export function labelled({ logits, labels }: ValidationCell): Labelled {
  const known = (_: number, i: number): boolean => !Number.isNaN(labels[i]);
  return { logits: logits.filter(known), labels: Uint8Array.from(labels.filter(known)) };
}
