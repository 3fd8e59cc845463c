/** What ranks leave for `tributary launch`, in a folder of its own: the run that they train, and the numbers of their processes. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launched } from '../../comm/launched.ts';
import { isLead } from './ranks.ts';

const FOLDER = 'TRIBUTARY_LAUNCH_FOLDER';

/** Where ranks leave their notes. */
export const launchEnv = (folder: string): NodeJS.ProcessEnv => ({ ...process.env, [FOLDER]: folder });

/** Says which run this command trains. */
export function noteRun(folder: string): void {
  if (isLead()) note('run', folder);
}

/** Says that this process stops at SIGINT by itself. */
export const noteProcess = (): void => note(`rank-${launched()?.rank ?? 0}`, `${process.pid}`);

/** Says with which code this rank ends by itself. */
export const noteEnd = (code: number): void => note(`end-${launched()?.rank ?? 0}`, `${code}`);

/** Says that this rank ends with an error of its own. */
export const noteFailure = (code: number): void => note('failure', `${code}`);

function note(name: string, text: string): void {
  const folder = process.env[FOLDER];
  if (folder !== undefined && existsSync(folder)) writeFileSync(join(folder, name), text);
}

/** What ranks have noted so far. */
export function readNotes(folder: string): {
  run?: string;
  failure?: number;
  /** Codes of ranks that have ended by themselves, with another code than 0. */
  ends: number[];
  processes: number[];
} {
  const notes = readdirSync(folder).map((name): [string, string] => [name, readFileSync(join(folder, name), 'utf8')]);
  const find = (wanted: string): string | undefined => notes.find(([name]) => name === wanted)?.[1];
  const failure = find('failure');
  return {
    run: find('run'),
    failure: failure === undefined ? undefined : Number(failure),
    ends: notes.filter(([name]) => name.startsWith('end-')).map(([, text]) => Number(text)),
    processes: notes.filter(([name]) => name.startsWith('rank-')).map(([, text]) => Number(text)),
  };
}
