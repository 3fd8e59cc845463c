import { join } from 'node:path';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { init } from '../../../src/data/init/init.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { temporaryFolder } from '../support.ts';

/** Proposes, checks that the text says the same as the object, and prepares from the text alone. */
export async function proposeAndPrepare(files: string[], folder: string) {
  const proposal = await init(files, { folder });
  expect(proposal.failures).toEqual([]);
  const written = parse(proposal.yaml);
  expect(written).toEqual(JSON.parse(JSON.stringify(proposal.config)));
  const config = datasetSchema.parse(written);
  const out = join(temporaryFolder(), 'prepared');
  const { manifest } = await prepare({ config, sourceFolder: proposal.sourceFolder, out });
  return { ...proposal, config, manifest };
}
