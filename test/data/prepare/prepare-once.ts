/** Run by prepare.slow.test.ts in a process of its own: prepares the data set of a folder. */
import { join } from 'node:path';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';

const folder = process.argv[2];
const config = datasetSchema.parse({
  name: 'killed',
  sources: { t: { path: 't.csv' } },
  fields: [
    { name: 'user', kind: 'categorical' },
    { name: 'item', kind: 'categorical' },
    { name: 'price', kind: 'numeric', buckets: { quantiles: 10 } },
  ],
  scenario: { expression: 'item % 3', values: [0, 1, 2] },
  tasks: [{ name: 'click', label: 'click' }],
  group: 'user',
});
await prepare({
  config,
  sourceFolder: folder,
  out: join(folder, 'out'),
  onEvent: ({ number }) => process.stdout.write(`${number}\n`),
});
