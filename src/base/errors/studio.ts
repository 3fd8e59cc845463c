import { EXIT, entry } from './entry.ts';

export const STUDIO_ERRORS = {
  STUDIO_EXPOSED: entry(
    EXIT.usage,
    403,
    (d: { host: string }) => `on ${d.host} everybody who reaches this machine could read all results`,
    'Give a token with --token, or stay on 127.0.0.1',
  ),
  STUDIO_HOST: entry(
    EXIT.usage,
    403,
    (d: { host: string }) => `this studio is not called ${d.host}`,
    'Open it as localhost or 127.0.0.1; under other names it answers only where it was started with --token',
  ),
  STUDIO_ORIGIN: entry(
    EXIT.usage,
    403,
    (d: { origin: string }) => `a form of ${d.origin} is not one of this studio`,
    'Send requests to explain from the page of an artifact in this studio',
  ),
  STUDIO_TOKEN: entry(
    EXIT.usage,
    401,
    (d: { found: 'none' | 'wrong' }) =>
      d.found === 'none' ? 'a token is needed' : 'the token is not the one that the studio was started with',
    'Open the address with ?token=TOKEN, or send it as Authorization: Bearer TOKEN',
  ),
  STUDIO_NOT_LISTED: entry(
    EXIT.usage,
    404,
    (d: { name: string }) => `the folder holds no result called ${d.name}`,
    'It was removed or renamed, or never there: go back to the list',
  ),
} as const;
