import { EXIT, entry } from './entry.ts';

export const PAGE_ERRORS = {
  PAGE_NOTHING_THERE: entry(
    EXIT.usage,
    404,
    (d: { path: string }) => `${d.path} is nothing that a page can show`,
    'Give the folder of a run',
  ),
} as const;
