/** What a comparison reports while it works. */
import type { ComparisonResult, Times } from '../../documents/comparison.ts';

export type CellState =
  | { state: 'waiting' }
  /** `monitor`: best validation value so far. */
  | { state: 'running'; phase?: string; epoch?: number; epochs?: number; monitor?: number | null }
  /** `before`: it was finished by an earlier call. */
  | { state: 'finished'; auc: number | null; before: boolean }
  | { state: 'stopped' }
  | { state: 'failed'; code: string; message: string };

export type CellEvent = {
  event: 'cell';
  cell: string;
  model: string;
  data: string;
  part?: string;
  seed: number;
} & CellState;

export type ComparisonEvent =
  | { event: 'start'; folder: string; cells: number; finished: number; workers: number }
  | CellEvent
  | { event: 'statistics' };

export type EmitComparison = (event: ComparisonEvent) => void;

export type ComparisonEnd =
  | { event: 'result'; folder: string; result: ComparisonResult; times: Times; failed: number }
  | { event: 'interrupted'; folder: string }
  /** Of a rank other than 0: it has done its part. */
  | { event: 'shared'; folder: string };
