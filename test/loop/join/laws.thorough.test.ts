/** Laws of rows made from logs, on a few of them; `laws.long.test.ts` has more. */
import { test } from 'vitest';
import { arrivalIsNothing, joinsAddUp, rowsAreRight } from './laws.ts';

test.each([1, 2])('rows are those of a join without a database (log %i)', rowsAreRight);
test.each([11])('order, copies and chunks of events change nothing (log %i)', arrivalIsNothing);
test.each([23])('joins one after another give the rows of one join (log %i)', joinsAddUp);
