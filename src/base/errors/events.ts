import { EXIT, entry } from './entry.ts';

export const EVENT_ERRORS = {
  EVENT_CURSOR: entry(
    EXIT.usage,
    400,
    (d: { found: string }) => `"${d.found}" is no cursor of this log`,
    'Go on from the cursor that the last read gave, or read from the beginning',
  ),
  EVENT_VERSION: entry(
    EXIT.artifact,
    422,
    (d: { path: string; found: string }) =>
      `${d.path} holds events of the schema ${d.found}, this version reads event/1, event/2 and event/3`,
    'Read it with the version of Tributary that wrote it, or a later one',
  ),
  EVENT_LOG_DAMAGED: entry(
    EXIT.artifact,
    422,
    (d: { log: string; lines: number; examples: { place: string; problem: string }[] }) =>
      `${d.lines} lines of ${d.log} are no events:\n${d.examples.map((e) => `  ${e.place}: ${e.problem}`).join('\n')}\n`,
    'Readers skip these lines. Restore the segments from a copy where their events are needed',
  ),
  EVENT_LOG_EMPTY: entry(
    EXIT.data,
    422,
    (d: { log: string }) => `${d.log} holds no events`,
    'Name the log of a service that has answered requests: events.folder, or its serving configuration',
  ),
  EVENT_LOG_LOCKED: entry(
    EXIT.environment,
    409,
    (d: { folder: string; path: string }) => `another process is deleting events from ${d.folder}`,
    (d) => `Wait for it. If it runs on another machine and has ended, remove ${d.path}`,
  ),
  EVENT_LOG_OPEN: entry(
    EXIT.environment,
    409,
    (d: { folder: string; left: number }) =>
      `${d.left} events of the unit are in segments of ${d.folder} that are still being written`,
    'Run the same command again when they are finished (events.rotate.seconds), or with --wait',
  ),
  EVENT_STORE: entry(
    EXIT.environment,
    503,
    (d: { log: string; reason: string }) => `${d.log}: ${d.reason}`,
    'Check the server, the URL in the environment and the rights of its user',
  ),
  EVENTS_URL: entry(
    EXIT.usage,
    500,
    (d: { variable: string; schemes: readonly string[]; problem: string }) =>
      `the environment variable ${d.variable} holds no URL as ${d.schemes[0]}//USER:PASSWORD@HOST:PORT/DATABASE: ${d.problem}`,
    'Encode the characters : / ? # [ ] @ % of user and password as %3A, %2F, ...',
  ),
  EVENTS_OFF: entry(
    EXIT.usage,
    404,
    () => 'this service logs no events',
    'Add the block events to its serving configuration',
  ),
  EVENTS_SECRET: entry(
    EXIT.usage,
    500,
    (d: { option: string; variable: string }) =>
      `${d.option} names the environment variable ${d.variable}, which is not set or empty`,
    'Set it for the process that serves',
  ),
  CLOCK_INVALID: entry(
    EXIT.data,
    400,
    (d: { found: string; header: string }) =>
      `the header ${d.header} is ${JSON.stringify(d.found)}: expected milliseconds since 1970`,
    { onPage: 'Send a whole number, or leave the header out: the service has a clock of its own' },
  ),
  TOO_MANY_EVENTS: entry(
    EXIT.data,
    413,
    (d: { found: number; limit: number }) => `the body has ${d.found} events, at most ${d.limit} are taken`,
    'Send them in several requests',
  ),
  EVENT_INVALID: entry(EXIT.data, 400, (d: { problem: string }) => `the event is not as expected: ${d.problem}`, {
    onPage: 'The message names the property and what is expected there; the other events of the body are taken',
  }),
  EVENT_IN_FUTURE: entry(
    EXIT.data,
    400,
    (d: { time: number; now: number }) => `the event has the time ${d.time}, and it is only ${d.now} now`,
    'Correct the clock, or leave the time out: the service adds its own',
  ),
  EVENT_NOT_STORED: entry(
    EXIT.environment,
    503,
    (d: { reason: string }) => `the event is not stored: ${d.reason}`,
    'Send it again later with the same event_id: it is never counted twice',
  ),
} as const;
