import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { artifact, temporaryFolder } from '../support.ts';

/** A limit on the size of files stands for a disk without space: the system refuses to write in either case. */
test.runIf(process.platform !== 'win32')(
  'no space for a private copy: the error names the setting, nothing stays',
  () => {
    const cacheFolder = temporaryFolder();
    const config = resolve(temporaryFolder(), 'serving.json');
    const { folder } = artifact({ cities: 20_000 }); // tables of 320 kB
    writeFileSync(config, JSON.stringify({ cacheFolder }));
    const words = [resolve('bin/tributary.js'), 'serve', folder, '--port', '0', '--config', config];
    const { status, stderr } = spawnSync(
      'bash',
      ['-c', 'ulimit -f 200; exec "$@"', 'bash', process.execPath, ...words],
      {
        encoding: 'utf8',
        timeout: 60_000,
      },
    );
    expect(stderr).toMatch(/^error CACHE_FULL: no space for a private copy of .* \(\d+ bytes\) in .*cacheFolder/m);
    expect(status).toBe(6);
    expect(readdirSync(cacheFolder)).toEqual([]);
  },
);
