/** `tributary manifest` as a user types it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { buildProgram } from '../../src/cli/program.ts';
import { mpiJob, trainJob } from '../../src/comm/manifest.ts';
import { temporaryFolder } from '../store/temporary.ts';

async function manifest(...words: string[]): Promise<void> {
  const program = await buildProgram(['manifest']);
  await program.parseAsync(['manifest', ...words], { from: 'user' });
}

test.each([
  ['trainjob', trainJob],
  ['mpijob', mpiJob],
] as const)('writes a %s as YAML', async (kind, objects) => {
  const out = join(temporaryFolder(), 'job.yaml');
  const options = ['--image', 'a/b', '--ranks', '4', '--per-node', '2', '--memory', '16Gi', '--out', out];
  await manifest(kind, ...options, '--', 'bench', 'comm', '--calls', '7');
  expect(parseAllDocuments(readFileSync(out, 'utf8')).map((document) => document.toJS())).toEqual(
    objects({
      ...{ name: 'tributary', image: 'a/b', nodes: 2, perNode: 2, memory: '16Gi' },
      command: ['bench', 'comm', '--calls', '7'],
    }),
  );
});

const image = ['--image', 'a/b'];

test.each([
  [[...image, '--ranks', '3', '--per-node', '2', '--', 'bench', 'comm'], '--ranks 3 is no multiple of --per-node 2'],
  [[...image, '--ranks', '2', '--name', 'My_Job', '--', 'bench', 'comm'], '--name "My_Job"'],
  [[...image, '--ranks', '2', '--memory', '16 GB', '--', 'bench', 'comm'], '--memory "16 GB"'],
  [[...image, '--ranks', '2', '--', 'prepare', 'shop'], '`tributary prepare` does not run over several ranks'],
  [['--ranks', '2', '--', 'bench', 'comm'], 'missing: --image'],
])('refuses %j', async (words, message) => {
  await expect(manifest('mpijob', ...words)).rejects.toThrow(message);
});
