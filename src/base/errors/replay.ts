import { EXIT, entry } from './entry.ts';

export const REPLAY_ERRORS = {
  REPLAY_REFUSED: entry(
    EXIT.data,
    422,
    (d: { log: string; refusals: { code: string; reason: string }[] }) =>
      `nothing is estimated from ${d.log}:\n${d.refusals.map(({ code, reason }) => `  ${code}: ${reason}`).join('\n')}\n`,
    'See docs/loop.md, "Judging a ranker by the log"',
  ),
  LOG_TYPE_UNKNOWN: entry(
    EXIT.data,
    422,
    (d: { log: string; type?: string }) =>
      d.type === undefined ? `${d.log} has no interactions` : `${d.log} has no interactions of the type "${d.type}"`,
    'Send what users do to POST /v1/events, or name another --type',
  ),
} as const;
