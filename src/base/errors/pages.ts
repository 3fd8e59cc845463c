import { EXIT, entry } from './entry.ts';

export const PAGE_ERRORS = {
  PAGE_NOTHING_THERE: entry(
    EXIT.usage,
    404,
    (d: { path: string; found: string }) => `nothing at ${d.path} has a page: ${d.found}`,
    'Give the folder of a run, a comparison, a search, an artifact, a loop or a ramp, an event log with --artifact, or a file with what a verb printed with --json',
  ),
  PAGE_LOG: entry(
    EXIT.usage,
    422,
    (d: { path: string }) =>
      `${d.path} is an event log: its page compares what a service was asked with the training rows of an artifact, and none was given`,
    'Name the artifact: tributary report LOG --artifact DIR --out page.html',
  ),
  STUDIO_FILE: entry(
    EXIT.usage,
    422,
    (d: { path: string }) => `${d.path} is a file: expected a folder of results`,
    'Give its folder, or write the page of the file: tributary report FILE --out page.html',
  ),
  PAGE_DOCUMENT: entry(
    EXIT.data,
    422,
    (d: { path: string; problem: string }) => `${d.path} has no document that a page shows: ${d.problem}`,
    'Give a file of what a verb printed with --json, or the folder of a result',
  ),
  PAGE_TOO_LARGE: entry(
    EXIT.data,
    413,
    (d: { title: string; bytes: number; limit: number }) =>
      `the page of ${d.title} would have ${d.bytes} bytes, at most ${d.limit} are allowed`,
    'Compare fewer models at once',
  ),
} as const;
