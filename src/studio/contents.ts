/** What a folder holds that has a page: runs, comparisons, searches, artifacts, loops, ramps, logs, and files with documents. */
import { closeSync, type Dirent, existsSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { listSegments } from '../events/segments/names.ts';

export interface Found {
  /** Path inside the folder, with slashes; `.` for the folder itself. */
  name: string;
  path: string;
  /** run, comparison, tuning, artifact, loop, ramp, log, or what a document is. */
  kind: string;
}

/** Folders in folders that are looked into. */
const DEPTH = 3;
/** A folder with more is not one of results. */
const MOST = 5000;

/** Sorted by name. What cannot be read, or is gone meanwhile, is left out; links are not followed. */
export function contentsOf(folder: string): Found[] {
  const found: Found[] = [];
  const visit = (name: string, depth: number): void => {
    const path = join(folder, name);
    const kind = kindOfFolder(path);
    if (kind !== undefined) found.push({ name, path, kind });
    // What lies in a run or an artifact belongs to it.
    if (kind !== undefined || depth > DEPTH || found.length > MOST) return;
    for (const entry of entriesOf(path)) {
      const inside = name === '.' ? entry.name : `${name}/${entry.name}`;
      if (entry.isDirectory()) visit(inside, depth + 1);
      else if (entry.isFile() && entry.name.endsWith('.json')) {
        const document = kindOfDocument(join(folder, inside));
        if (document !== undefined) found.push({ name: inside, path: join(folder, inside), kind: document });
      }
    }
  };
  visit('.', 0);
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).filter(
      ({ name }) => !name.startsWith('.') && name !== 'node_modules',
    );
  } catch {
    return [];
  }
}

function kindOfFolder(path: string): string | undefined {
  const has = (name: string): boolean => existsSync(join(path, name));
  if (has('run.json')) return 'run';
  if (has('choosing.json')) return 'choosing';
  if (headOf(join(path, 'manifest.json')).includes('"tributary-artifact"')) return 'artifact';
  if (has('result.json')) return kindOfDocument(join(path, 'result.json')) ?? 'comparison';
  if (has('rounds') && has('rows')) return 'loop';
  if (headOf(join(path, 'ramp.json')).includes('"experiment-ramp/1"')) return 'ramp';
  return isLog(path) ? 'log' : undefined;
}

function isLog(path: string): boolean {
  try {
    return listSegments(path).length > 0;
  } catch {
    return false;
  }
}

/** Documents that have a page. */
const DOCUMENTS = [
  'comparison',
  'tuning',
  'evaluation',
  'flows',
  'transfer',
  'importance',
  'explanation',
  'replay',
  'position-bias',
  'simulation',
  'drift',
  'experiment-report',
];

function kindOfDocument(path: string): string | undefined {
  const kind = /"schema":\s*"([a-z-]+)\/\d+"/.exec(headOf(path))?.[1];
  return kind !== undefined && DOCUMENTS.includes(kind) ? kind : undefined;
}

/** The first bytes of a file; nothing where there is none. */
function headOf(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(2048);
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)).toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

/** Files of a run, a comparison, a search or a loop that change while it is at work. */
const CHANGING = [
  'run.json',
  'choosing.json',
  'metrics.jsonl',
  'timings.jsonl',
  'finished.json',
  'importance.json',
  'result.json',
  'manifest.json',
  'rounds',
  'ramp.json',
];

/** Changes whenever the page of a result may have changed; a removed one has another stamp. */
export const stampOf = (path: string): string =>
  ['', ...CHANGING]
    .map((name) => {
      const stat = statOf(join(path, name));
      return stat === undefined ? '-' : `${stat.mtimeMs}:${name === '' ? '' : stat.size}`;
    })
    .join(' ');

/** When it last changed, in milliseconds since 1970; 0 where it is gone. */
export const changedAt = (path: string): number =>
  Math.max(0, ...['', ...CHANGING].map((name) => statOf(join(path, name))?.mtimeMs ?? 0));

/** Undefined where nothing is there, or nothing that this user may look at. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
