/** What export and selection report while they work. */

/** A step of the work begins. */
export interface StepEvent {
  event: 'step';
  step: string;
}
