/** The Dockerfile's steps with npm itself: what the registry gives is what the quick replay links. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildImage } from './dockerfile.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-container-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(process.platform !== 'linux')('npm installs without a warning, and the command starts', () => {
  const image = buildImage(resolve('Dockerfile'), folder, (command, cwd) => {
    const { status, stderr } = spawnSync('sh', ['-c', command], { cwd, encoding: 'utf8' });
    expect([command, status, stderr.split('\n').filter((line) => /EBADENGINE|ERR!/.test(line))]).toEqual([
      command,
      0,
      [],
    ]);
  });
  const app = join(image.root, image.workdir);
  expect(readdirSync(join(app, 'node_modules'))).toContain('fastify');
  const artifact = resolve('test/upgrade/0.1/artifact');
  const told = execFileSync(process.execPath, ['bin/tributary.js', 'verify', artifact], { cwd: app, encoding: 'utf8' });
  expect(told).toContain('autoifs');
});
