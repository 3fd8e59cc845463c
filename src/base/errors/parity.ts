import { EXIT, entry } from './entry.ts';

export const PARITY_ERRORS = {
  PARITY_NO_FIXTURE: entry(
    EXIT.usage,
    404,
    (d: { folder: string; only?: string }) =>
      d.only === undefined
        ? `${d.folder} holds no fixture: expected files NAME.json with NAME.safetensors, or with a folder NAME`
        : `no fixture of ${d.folder} has a name like ${d.only}`,
    { onPage: 'Name the folder of the fixtures; `--only` takes names with `*` for any letters' },
  ),
} as const;
