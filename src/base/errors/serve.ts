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
  EXPERIMENT_MODEL: entry(
    EXIT.usage,
    422,
    (d: { key: string; arm: string; found: string; known: string[]; path?: string }) =>
      `experiment ${d.key}, arm ${d.arm}: no model ${d.found} is served${d.path === undefined ? '' : `, and ${d.path} does not hold it any more`}; there are ${d.known.join(', ') || 'none'}`,
    'Load the artifact before the experiment names it: tributary serve NAME=FOLDER, or POST /admin/models/NAME/load',
  ),
  EXPERIMENT_SCENARIO: entry(
    EXIT.usage,
    422,
    (d: { key: string; model: string; found: string; known: string[] }) =>
      `experiment ${d.key}: ${d.model} has no scenario ${JSON.stringify(d.found)}, only ${d.known.map((name) => JSON.stringify(name)).join(', ')}`,
    'Name in `scenarios` those that the models of all arms have',
  ),
  EXPERIMENT_UNIT: entry(
    EXIT.usage,
    422,
    (d: { key: string; unit: string; model: string }) =>
      `experiment ${d.key}: requests to ${d.model} cannot have ${d.unit}, its unit: it is no field of the model`,
    'Name a field of the model, the unit of the log (events.unit), or the id by which a table of users is found',
  ),
  EXPERIMENTS_OVERLAP: entry(
    EXIT.usage,
    422,
    (d: { keys: [string, string]; what: string; scenario?: string }) =>
      `experiments ${d.keys.join(' and ')} both change the ${d.what} of the same requests${d.scenario === undefined ? '' : ` (scenario ${JSON.stringify(d.scenario)})`}: a unit could be in both, and only one of them could have an effect`,
    'Give both the same namespace with ranges apart, or other scenarios. One that changes the model and one that changes the score may share units',
  ),
  EXPERIMENT_MOVES: entry(
    EXIT.usage,
    409,
    (d: { key: string; what: string[]; version: number; before: number }) =>
      d.version < d.before
        ? `experiment ${d.key} is at bucketVersion ${d.before}, found ${d.version}`
        : `experiment ${d.key}: another ${d.what.join(' and ')} would move units that are in an arm, at the same bucketVersion ${d.version}`,
    'Raise bucketVersion: reports keep versions apart. With minBucketVersion as high, units of earlier versions stay out',
  ),
  EXPERIMENTS_CHANGED: entry(
    EXIT.usage,
    409,
    (d: { expected: number; found: number }) =>
      `the experiments are at revision ${d.found}, and the change was made for revision ${d.expected}: somebody else changed them`,
    'GET /admin/experiments, and make the change again',
  ),
  EXPERIMENTS_FILE: entry(
    EXIT.environment,
    500,
    (d: { path: string; reason: string }) =>
      `${d.path} does not hold experiments as this program kept them: ${d.reason}`,
    'Restore it from a copy. Without it, the service starts with the experiments of its configuration, and units of earlier versions are not known',
  ),
  MODEL_IN_EXPERIMENT: entry(
    EXIT.usage,
    409,
    (d: { model: string; keys: string[] }) =>
      `this would drop ${d.model}, which is kept for a rollback and is an arm of ${d.keys.join(', ')}`,
    'Load the new artifact under another name, or end the experiment first',
  ),
  EXPERIMENT_UNFIT: entry(
    EXIT.usage,
    409,
    (d: { model: string; key: string; reason: string }) =>
      `with ${d.model} experiment ${d.key} could not go on: ${d.reason}`,
    'Load the artifact under another name, let the arm name the artifact of now (NAME@ID) under a new bucketVersion, or end the experiment first',
  ),
  FLAG_NOT_FOUND: entry(
    EXIT.usage,
    404,
    (d: { found: string; known: string[] }) =>
      `there is no experiment ${JSON.stringify(d.found)}: there are ${d.known.join(', ') || 'none'}`,
    { onPage: 'Ask for the key of an experiment that runs' },
  ),
  TARGETING_KEY_MISSING: entry(
    EXIT.data,
    400,
    (d: { key: string; unit: string }) =>
      `experiment ${d.key}: the context has no text or number under ${d.unit}, its unit, nor under targetingKey`,
    { onPage: 'Send the unit in the context' },
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
