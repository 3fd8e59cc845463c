/** Progress events of export and selection. */

/** A step of the work begins. */
export interface StepEvent {
  event: 'step';
  step: string;
}
