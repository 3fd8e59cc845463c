/** Laws of rows made from logs, on a few of them; `laws.long.test.ts` has more. */
import { test } from 'vitest';
import { arrivalIsNothing, joinsAddUp, rowsAreRight, sequencesAreRight, sequencesKnowNoFuture } from './laws.ts';

test.each([1, 2])('rows are those of a join without a database (log %i)', rowsAreRight);
test.each([11])('order, copies and chunks of events change nothing (log %i)', arrivalIsNothing);
test.each([23])('joins one after another give the rows of one join (log %i)', joinsAddUp);
test.each([40])('sequences are those of the request or of what the unit did before (log %i)', sequencesAreRight);
test.each([50])('nothing from a moment on changes the sequences of rows up to it (log %i)', sequencesKnowNoFuture);
