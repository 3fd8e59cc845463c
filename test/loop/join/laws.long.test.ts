/** Laws of rows made from logs, on many of them. */
import { test } from 'vitest';
import { arrivalIsNothing, joinsAddUp, rowsAreRight, sequencesAreRight, sequencesKnowNoFuture } from './laws.ts';

test.each(Array.from({ length: 25 }, (_, i) => 100 + i))(
  'rows are those of a join without a database (log %i)',
  rowsAreRight,
);
test.each(Array.from({ length: 15 }, (_, i) => 200 + i))(
  'order, copies and chunks of events change nothing (log %i)',
  arrivalIsNothing,
);
test.each(Array.from({ length: 12 }, (_, i) => 300 + i))(
  'joins one after another give the rows of one join (log %i)',
  joinsAddUp,
);
test.each(Array.from({ length: 12 }, (_, i) => 400 + i))(
  'sequences are those of the request or of what the unit did before (log %i)',
  sequencesAreRight,
);
test.each(Array.from({ length: 8 }, (_, i) => 500 + i))(
  'nothing from a moment on changes the sequences of rows up to it (log %i)',
  sequencesKnowNoFuture,
);
