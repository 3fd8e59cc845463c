/** Waits for the file `go`, then tries to take the folder and says what came of it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lockFolder } from '../../src/store/lock.ts';

const folder = process.argv[2];
process.stdout.write('ready\n');
while (!existsSync(join(folder, 'go'))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
try {
  lockFolder(folder);
  process.stdout.write('taken\n');
} catch (cause) {
  process.stdout.write(`${(cause as { code: string }).code}\n`);
}
setInterval(() => {}, 1000); // stay alive: the lock is held
