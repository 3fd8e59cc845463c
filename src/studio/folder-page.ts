/** The page of a folder: a line for each result, what is at work first. */
import { basename, resolve } from 'node:path';
import { TributaryError } from '../base/errors/index.ts';
import { VERSION } from '../base/version.ts';
import type { FolderEntry, FolderPage } from '../pages/page.ts';
import { count } from '../report/numbers.ts';
import { isLocked } from '../store/lock.ts';
import { openRun, readMetrics } from '../store/run/run-folder.ts';
import { changedAt, contentsOf, type Found, stampOf } from './contents.ts';

/** Remembers what it read of a result until that changes: a list of 50 runs is made in milliseconds. */
export function folderPages(folder: string): () => FolderPage {
  const known = new Map<string, { stamp: string; summary: Summary }>();
  const summaryOf = (found: Found): Summary => {
    const stamp = stampOf(found.path);
    const before = known.get(found.name);
    if (before?.stamp === stamp) return before.summary;
    const summary = summarise(found);
    known.set(found.name, { stamp, summary });
    return summary;
  };
  return () => {
    const found = contentsOf(folder);
    for (const name of known.keys()) if (!found.some((one) => one.name === name)) known.delete(name);
    const entries = found.map((one) => entryOf(one, summaryOf(one)));
    return pageOf(folder, entries);
  };
}

type Summary = Pick<FolderEntry, 'model' | 'data' | 'epochs' | 'auc' | 'monitor'> & {
  finished: boolean;
  problem?: string;
};

const NOTHING: Summary = { model: null, data: null, epochs: null, auc: null, monitor: null, finished: true };

function summarise({ kind, path }: Found): Summary {
  if (kind !== 'run') return NOTHING;
  try {
    const { model, data } = openRun(path);
    const lines = readMetrics(path);
    const epochs = lines.filter((line) => line.kind === 'epoch');
    const end = lines.findLast((line) => line.kind === 'result');
    return {
      model,
      data: data.name,
      epochs: epochs.length,
      monitor: epochs.at(-1)?.monitor ?? null,
      auc: end?.test.macro.auc ?? null,
      finished: end !== undefined,
    };
  } catch (cause) {
    if (!(cause instanceof TributaryError)) throw cause;
    return { ...NOTHING, problem: cause.code };
  }
}

function entryOf({ name, kind, path }: Found, { finished, problem, ...summary }: Summary): FolderEntry {
  return {
    name,
    href: kind === 'choosing' ? null : `/view/${name.split('/').map(encodeURIComponent).join('/')}`,
    kind: KINDS[kind] ?? kind,
    state: problem === undefined ? stateOf(kind, path, finished) : `not readable (${problem})`,
    changed: new Date(changedAt(path)).toISOString(),
    ...summary,
  };
}

const KINDS: Record<string, string> = {
  tuning: 'search for options',
  choosing: 'run, its model is being chosen',
  'position-bias': 'position bias',
  'experiment-report': 'experiment',
  ramp: 'ramp of an experiment',
  drift: 'drift of a log',
  explanation: 'explained request',
  log: 'event log',
};

function stateOf(kind: string, path: string, finished: boolean): FolderEntry['state'] {
  if (kind !== 'run' && kind !== 'choosing') return '';
  if (finished && kind === 'run') return 'finished';
  try {
    return isLocked(path) ? WORKING : 'stopped';
  } catch {
    return 'stopped'; // removed meanwhile
  }
}

const WORKING = 'training';

function pageOf(folder: string, entries: FolderEntry[]): FolderPage {
  const working = entries.filter(({ state }) => state === WORKING).length;
  const runs = entries.filter(({ kind }) => kind === 'run').length;
  return {
    kind: 'folder',
    title: basename(resolve(folder)),
    facts: [resolve(folder)],
    findings: [
      entries.length === 0
        ? 'No result is in this folder yet: runs, comparisons, searches, artifacts, loops and logs appear here.'
        : `${count(entries.length)} results, ${count(runs)} of them runs; ${working === 0 ? 'nothing is being trained' : `${count(working)} being trained`}.`,
    ],
    notes: [],
    version: VERSION,
    entries: entries.toSorted(
      (a, b) => Number(b.state === WORKING) - Number(a.state === WORKING) || (a.changed < b.changed ? 1 : -1),
    ),
  };
}
