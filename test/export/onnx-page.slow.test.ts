/** The JavaScript of docs/onnx.md, run as it stands there on a real artifact, against what the server's own session gives. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRowEncoder } from '../../src/data/encode/encoder.ts';
import { exportRun } from '../../src/export/export.ts';
import { openArtifact } from '../../src/store/artifact/open.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { makeRun, prepareSmall, trainWithStops } from '../train/support.ts';
import { answeringArtifact } from './answers.ts';

const ROWS = [
  { scenario: 'search', user: 'u1', item: 'i7', tags: ['a', 't2'], place: '1' },
  { scenario: 'feed', item: 'new', tags: ['t1', 'x', 'a', 't3'], place: '0' },
  { scenario: 'feed', user: 'u3', item: 'i1', tags: [], place: '0' },
];

test('docs/onnx.md: the snippet gives what the artifact serves', async () => {
  const folder = temporaryFolder();
  const data = await prepareSmall(folder, 2000);
  const run = join(folder, 'run');
  await makeRun(run, data, { train: { searchEpochs: 1, maxEpochs: 1 } });
  await trainWithStops(run);
  const out = join(folder, 'artifact');
  await exportRun(run, { out });

  const snippet = /```js\n(.*?)```/s.exec(readFileSync('docs/onnx.md', 'utf8'))?.[1] ?? '';
  const code = snippet
    .replace(/^const folder = .*$/m, `const folder = ${JSON.stringify(out)};`)
    .replace(/^const rows = .*$/m, `const rows = ${JSON.stringify(ROWS)};`);
  expect(code).toContain(out);
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const found: number[][] = JSON.parse(stdout);

  const artifact = await openArtifact(out);
  const encoder = createRowEncoder(artifact.encoder);
  const ids = new Int32Array(ROWS.length * encoder.slots);
  ROWS.forEach((row, i) => {
    encoder.encode(row, ids, i * encoder.slots);
  });
  const scenario = Int32Array.from(ROWS, (row) => artifact.manifest.data.scenarios.indexOf(row.scenario));
  const { answer, close } = await answeringArtifact(artifact);
  const { probabilities } = await answer({ size: ROWS.length, ids, scenario });
  await close();
  probabilities.forEach((own, t) => {
    own.forEach((p, row) => {
      expect(Math.abs(found[t][row] - p)).toBeLessThan(1e-6);
    });
  });
});
