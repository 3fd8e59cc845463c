import { EXIT, entry } from './entry.ts';

const list = (problems: { path: string; message: string }[]): string =>
  problems.map((p) => `${p.path || 'the body'}: ${p.message}`).join('; ');

export const SERVE_ERRORS = {
  REQUEST_INVALID: entry(
    EXIT.data,
    400,
    (d: { problems: { path: string; message: string }[] }) => `the request is not as expected: ${list(d.problems)}`,
    { onPage: 'Each part names a place in the body, and what is expected there' },
  ),
  SCENARIO_UNKNOWN: entry(
    EXIT.data,
    400,
    (d: { found: string; known: string[] }) =>
      `there is no scenario ${JSON.stringify(d.found)}: expected one of ${d.known.map((name) => JSON.stringify(name)).join(', ')}`,
    { onPage: 'Send a scenario that the model was trained on' },
  ),
  MODEL_NOT_SERVED: entry(
    EXIT.usage,
    404,
    (d: { found: string; known?: string[] }) =>
      `no model ${JSON.stringify(d.found)} is served here${d.known === undefined ? '' : `: there are ${d.known.join(', ') || 'none'}`}`,
    { onPage: 'Correct the name in the path or the body, or load an artifact under that name' },
  ),
  TOO_MANY_ITEMS: entry(
    EXIT.data,
    413,
    (d: { found: number; limit: number }) => `the request has ${d.found} items, at most ${d.limit} are allowed`,
    'Send several requests, or raise limits.items',
  ),
  SCORE_UNDEFINED: entry(
    EXIT.data,
    422,
    (d: { expression: string; scenario: string }) =>
      `the score expression ${JSON.stringify(d.expression)} of scenario ${JSON.stringify(d.scenario)} gives no finite number for an item`,
    'Change it so that it never divides by 0 and never overflows',
  ),
  TENSOR_INVALID: entry(
    EXIT.data,
    400,
    (d: { tensor: string; problem: string }) => `tensor ${JSON.stringify(d.tensor)}: ${d.problem}`,
    { onPage: 'GET /v2/models/NAME lists the tensors with their types and shapes' },
  ),
  BODY_NOT_JSON: entry(
    EXIT.data,
    400,
    (d: { reason: string }) => `the body is not JSON that is accepted: ${d.reason}`,
    { onPage: 'Send one JSON object in UTF-8' },
  ),
  BODY_TOO_DEEP: entry(
    EXIT.data,
    400,
    (d: { limit: number }) => `the body is nested deeper than ${d.limit} levels (limits.depth)`,
    { onPage: 'No valid request is nested so deeply: correct the body' },
  ),
  BODY_TOO_LARGE: entry(
    EXIT.data,
    413,
    (d: { limit: number }) => `the body is larger than ${d.limit} bytes (limits.bodyBytes)`,
    { onPage: 'Send fewer items in each request, or raise limits.bodyBytes' },
  ),
  BODY_TOO_COMPLEX: entry(
    EXIT.data,
    413,
    (d: { what: 'values' | 'names'; limit: number }) =>
      d.what === 'values'
        ? `the body has more than ${d.limit} values (limits.values; by default, as many as limits.items items with every field of the served models have)`
        : `the body has more than ${d.limit} different names of properties, far more than a served model has fields`,
    { onPage: 'Send the fields of the model alone, and fewer items in each request' },
  ),
  BODY_ENCODING: entry(
    EXIT.data,
    415,
    (d: { found: string }) => `the content encoding is ${JSON.stringify(d.found)}: expected gzip, deflate, br or none`,
    { onPage: 'Compress the body with one of these, or send it as it is' },
  ),
  BODY_PACKED: entry(
    EXIT.data,
    400,
    (d: { reason: string }) => `the body cannot be unpacked as its Content-Encoding says: ${d.reason}`,
    { onPage: 'Send the whole compressed body, and the header that belongs to it' },
  ),
  BODY_TYPE: entry(
    EXIT.data,
    415,
    (d: { found: string }) => `the content type is ${JSON.stringify(d.found)}: expected application/json`,
    { onPage: 'Send the header `Content-Type: application/json`' },
  ),
  HTTP_INVALID: entry(EXIT.data, 400, (d: { reason: string }) => `not a request that can be answered: ${d.reason}`, {
    onPage: 'Send a whole HTTP/1.1 request',
  }),
  REQUEST_TIMEOUT: entry(
    EXIT.data,
    408,
    (d: { seconds: number }) => `the request did not arrive within ${d.seconds} seconds (limits.requestSeconds)`,
    { onPage: 'Send the whole request at once. On slow networks, raise limits.requestSeconds' },
  ),
  ROUTE_UNKNOWN: entry(
    EXIT.usage,
    404,
    (d: { method: string; path: string }) => `there is no ${d.method} ${d.path}`,
    'See /docs for the routes of this server',
  ),
  KEY_INVALID: entry(
    EXIT.usage,
    401,
    (d: { found: 'none' | 'unknown' }) => (d.found === 'none' ? 'no key was given' : 'the key is not known'),
    'Send one as `Authorization: Bearer KEY` or `X-Api-Key: KEY`',
  ),
  KEY_SCOPE: entry(
    EXIT.usage,
    403,
    (d: { key: string; scope: string }) => `the key ${d.key} may not do this: it lacks the scope ${d.scope}`,
    'Use another key, or add the scope to its scopes in the serving configuration',
  ),
  ADMIN_FORBIDDEN: entry(
    EXIT.usage,
    403,
    (d: { reason: string }) => `this request cannot change the served models: ${d.reason}`,
    { onPage: 'Configure adminKeys, and send one of them' },
  ),
  RATE_LIMITED: entry(
    EXIT.usage,
    429,
    (d: { requests: number; seconds: number; retryAfter: number }) =>
      `more than ${d.requests} requests in ${d.seconds} s`,
    (d) => `Try again in ${d.retryAfter} s`,
  ),
  SERVER_BUSY: entry(
    EXIT.environment,
    503,
    (d: { waiting: number; limit: number }) =>
      `${d.waiting} rows are waiting, at most ${d.limit} may (limits.waitingRows)`,
    'Try again in a second',
  ),
  SERVER_FULL: entry(
    EXIT.environment,
    503,
    (d: { limit: number }) =>
      `the bodies and answers of open requests take more than ${d.limit} bytes (limits.openBytes)`,
    'Try again in a second',
  ),
  ANSWER_TOO_LARGE: entry(
    EXIT.data,
    413,
    (d: { bytes: number; limit: number }) =>
      `the answer would take about ${d.bytes} bytes, at most ${d.limit} are allowed (limits.answerBytes)`,
    'Ask for fewer items, outputs or explanations (top_k)',
  ),
  EXPLANATION_TOO_LARGE: entry(
    EXIT.data,
    413,
    (d: { rows: number; limit: number }) =>
      `the explanations take ${d.rows} rows, but at most ${d.limit} may wait (limits.waitingRows)`,
    'Ask for fewer (top_k), or lower limits.explainedItems',
  ),
  SWAP_RUNNING: entry(
    EXIT.usage,
    409,
    (_: object) => 'another change of models is running',
    'Wait until it is done, then try again',
  ),
  ARTIFACT_OUTSIDE: entry(
    EXIT.usage,
    403,
    (d: { path: string; folder: string }) =>
      `${d.path} is outside ${d.folder}, the only folder that artifacts are loaded from (artifactFolder)`,
    { onPage: 'Copy the artifact into that folder, or configure another artifactFolder' },
  ),
  ARTIFACT_UNFIT: entry(
    EXIT.artifact,
    422,
    (d: { path: string; failed: number; requests: number; reason: string }) =>
      `${d.path} cannot take the place of the model: ${d.failed} of ${d.requests} recorded requests fail with it, the first because ${d.reason}`,
    'Export an artifact of the same fields and scenarios, or load it under another name',
  ),
  ROLLBACK_NONE: entry(
    EXIT.usage,
    409,
    (d: { model: string }) =>
      `nothing to roll back to: no artifact was replaced under the name ${JSON.stringify(d.model)}`,
    { onPage: 'Load the artifact that should be served' },
  ),
  PORT_TAKEN: entry(
    EXIT.environment,
    500,
    (d: { host: string; port: number; reason: string }) => `cannot listen on ${d.host}:${d.port}: ${d.reason}`,
    'Choose another --port or --host',
  ),
  ROLLBACK_UNFIT: entry(
    EXIT.artifact,
    422,
    (d: { model: string; failed: number; requests: number; reason: string }) =>
      `${d.model} stays replaced: ${d.failed} of ${d.requests} recorded requests fail with it, the first because ${d.reason}`,
    'Roll back with "force": true to serve it all the same',
  ),
  WORKER_SILENT: entry(
    EXIT.environment,
    503,
    (d: { peer: string; question: string; seconds: number }) =>
      `${d.peer} did not answer "${d.question}" within ${d.seconds} s`,
    'Try again; a worker that stays silent is replaced (hangSeconds, loadSeconds)',
  ),
  SWAP_FAILED: entry(
    EXIT.environment,
    503,
    (d: { reason: string }) => `the models stay as they were: ${d.reason}`,
    'Try again',
  ),
} as const;
