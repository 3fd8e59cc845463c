import { EXIT, entry } from './entry.ts';

export const SIMULATE_ERRORS = {
  WORLD_UNREADABLE: entry(
    EXIT.usage,
    422,
    (d: { path: string; problem: string }) => `${d.path} describes no synthetic world: ${d.problem}`,
    'Make one: `tributary prepare synthetic --source DIR --out DATA`',
  ),
  SERVICE_UNREACHABLE: entry(
    EXIT.environment,
    502,
    (d: { url: string; reason: string }) => `no service answers at ${d.url}: ${d.reason}`,
    'Start one with `tributary serve`, or correct --url',
  ),
  SERVICE_REFUSED: entry(
    EXIT.usage,
    502,
    (d: { url: string; path: string; code: string; message: string }) =>
      `the service at ${d.url} refused a request to ${d.path}: ${d.code}: ${d.message}`,
    { onPage: 'What to do is in the message of the service' },
  ),
  SERVICE_CLOCK: entry(
    EXIT.usage,
    409,
    (d: { url: string }) =>
      `the service at ${d.url} logs impressions with the time of its machine, not with that of the simulated day`,
    'Add `clock: requests` to the block `events` of its serving configuration, or measure without events (--no-events)',
  ),
  SIMULATION_STATE: entry(
    EXIT.usage,
    409,
    (d: { path: string; problem: string }) => `${d.path} is not the state of this simulation: ${d.problem}`,
    'Name another file to begin with the first day, or repeat the options of the days before',
  ),
} as const;
