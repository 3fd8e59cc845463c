/** Commands as somebody whom permissions bind, also where the tests run as root. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

/** What stands before a command's words: nothing for an ordinary user. */
export type Prefix = string[];

const OTHER_USER: Prefix = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
/** Root as owner of its files: no more than their permissions say. */
const ROOT_ALONE: Prefix = ['setpriv', '--inh-caps=-all', '--bounding-set=-all', '--'];

/**
 * How to run Node without the rights of root; undefined where there is no way. Another user is preferred, but may be unable to read
 * Node or `paths`: a clone in root's home, a fresh container.
 */
export function withoutRights(...paths: string[]): Prefix | undefined {
  if (process.getuid?.() !== 0) return [];
  const script = `const { accessSync, readFileSync } = require('node:fs'); process.argv.slice(1).forEach((p) => accessSync(p));
    process.exit(/^CapEff:\\s*0+$/m.test(readFileSync('/proc/self/status', 'utf8')) ? 0 : 1);`;
  const works = ([command, ...words]: Prefix): boolean =>
    spawnSync(command, [...words, process.execPath, '-e', script, ...paths.map((path) => resolve(path))]).status === 0;
  return [OTHER_USER, ROOT_ALONE].find(works);
}

/** What the program is started from. */
export const PROGRAM = ['bin/tributary.js', 'dist/cli/main.js', 'node_modules/commander/package.json'];
