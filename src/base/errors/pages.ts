import { EXIT, entry } from './entry.ts';

export const PAGE_ERRORS = {
  PAGE_NOTHING_THERE: entry(
    EXIT.usage,
    404,
    (d: { path: string }) => `nothing at ${d.path} has a page`,
    'Give the folder of a run, a comparison, a search, an artifact, a loop or a ramp, an event log with --artifact, or a file with what a verb printed with --json',
  ),
  PAGE_LOG: entry(
    EXIT.usage,
    422,
    (d: { path: string }) =>
      `${d.path} is an event log: its page compares what a service was asked with the training rows of an artifact, and none was given`,
    'Name the artifact: tributary report LOG --artifact DIR --out page.html',
  ),
  PAGE_DOCUMENT: entry(
    EXIT.data,
    422,
    (d: { path: string; problem: string }) => `${d.path} has no document that a page shows: ${d.problem}`,
    'Write it again with --json',
  ),
  PAGE_TOO_LARGE: entry(
    EXIT.data,
    413,
    (d: { title: string; bytes: number; limit: number }) =>
      `the page of ${d.title} would have ${d.bytes} bytes, at most ${d.limit} are allowed`,
    'Compare fewer models at once',
  ),
} as const;
