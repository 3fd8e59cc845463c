/** What a choice reports while it works. */
import type { ChoiceDocument, LeftOutCandidate, TriedCandidate } from '../../documents/choice.ts';
import type { TrainingEvent } from '../../train/run/events.ts';

export interface ChoosingEvent {
  event: 'choosing';
  run: string;
  dataset: string;
  rows: { train: number; validation: number };
  budget: number;
  candidates: { model: string; steps: number; passes: number; price: number }[];
  leftOut: LeftOutCandidate[];
  yardsticks: string[];
  yardsticksLeftOut: string[];
}

/** An event of the training of a candidate. */
export interface TrialEvent {
  event: 'trial';
  model: string;
  training: TrainingEvent;
}

/** Begins something that takes a while and reports no progress. `model`: whose flows are tested. */
export type WorkingEvent = { event: 'working' } & ({ on: 'flows'; model: string } | { on: 'yardsticks' });

export type CandidateEvent = { event: 'candidate' } & (TriedCandidate | LeftOutCandidate);

export type ChosenEvent = { event: 'choice' } & ChoiceDocument;

export type ChoiceEvent = ChoosingEvent | TrialEvent | WorkingEvent | CandidateEvent | ChosenEvent;
