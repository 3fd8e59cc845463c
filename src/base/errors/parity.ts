import { EXIT, entry } from './entry.ts';

export const PARITY_ERRORS = {
  PARITY_NO_FIXTURE: entry(EXIT.usage, 404, (d: { folder: string; only?: string }) =>
    d.only === undefined
      ? `${d.folder} holds no fixture: expected files NAME.json with NAME.safetensors or a folder NAME beside them`
      : `no fixture of ${d.folder} is named like ${d.only}`,
  ),
} as const;
