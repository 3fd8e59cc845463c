/**
 * What a page shows: parts of result documents, as they are written, with sentences about them. Every number on a page is looked up here by its path; the
 * page computes none.
 */
import type { RunDocument } from '../documents/result.ts';

/** What all pages have. */
interface Head {
  title: string;
  /** Below the title, such as name and date of what is shown. */
  facts: string[];
  /** What was found, most important first. */
  findings: string[];
  /** What cannot be shown, and why. */
  notes: string[];
  /** Version of Tributary that made the page. */
  version: string;
}

/** An epoch of a training, of its line in metrics.jsonl. */
export interface EpochPoint {
  phase: string;
  epoch: number;
  losses: Record<string, number | null>;
  taskWeights: Record<string, number | null>;
  monitor: number | null;
  best: boolean;
  /** Validation AUC of each cell, in the order of `cells`. */
  auc: (number | null)[];
}

export interface RunPage extends Head {
  kind: 'run';
  model: string;
  data: string;
  /** Absent while it is trained. */
  result?: Pick<RunDocument, 'test' | 'epochs'> & Partial<RunDocument>;
  /** Which cells the AUCs of `epochs` are of. */
  cells: { scenario: string; task: string }[];
  epochs: EpochPoint[];
}

export type Page = RunPage;
