/** Generated requests for every route: near to right ones, any JSON, any bytes. None may bring down or unmask a service. */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { ServingInput } from '../../../src/config/serving.ts';
import { contractOf } from '../contract.ts';
import { ADMIN_KEY, type Client } from '../support.ts';

const nasty = fc.constantFrom<unknown>(
  null,
  '',
  'NaN',
  '1e999',
  -0,
  1e308,
  2 ** 53 + 2,
  '\u0000',
  '\ud800',
  '🙂'.repeat(50),
  '__proto__',
  'constructor',
  '../..',
  [],
  {},
  [[]],
  [null],
  true,
);
const scalar = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), nasty);
const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 5 }) },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const fieldName = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('user', 'age', 'city', 'item', 'tags', 'hour') },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'id', 'sequences', '') },
  { weight: 1, arbitrary: fc.string() },
);
const values = fc.dictionary(fieldName, value, { maxKeys: 6 });
const rightValues = fc.record(
  {
    user: fc.constantFrom('u1', 'u2', 'new'),
    age: fc.oneof(fc.integer({ min: -5, max: 120 }), fc.constantFrom('40', null)),
    city: fc.string(),
    item: fc.integer({ min: -1, max: 70 }),
    tags: fc.oneof(fc.constant('t1|t2'), fc.array(fc.constantFrom('t1', 'x', null), { maxLength: 5 })),
    hour: fc.integer({ min: 0, max: 23 }),
  },
  { requiredKeys: [] },
);
const someValues = fc.oneof({ weight: 9, arbitrary: rightValues }, { weight: 1, arbitrary: values });
const item = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(someValues, fc.oneof(fc.integer(), fc.string())).map(([rest, id]) => ({ ...rest, id })),
  },
  { weight: 1, arbitrary: value },
);
const often = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 25, arbitrary: arbitrary as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: value });

/** A ranking request with a mistake here and there, or none. */
const rankBody = fc.record(
  {
    scenario: often(fc.constantFrom('home', 'search', 'detail "x"')),
    user: often(someValues),
    context: often(someValues),
    items: often(fc.array(item, { maxLength: 6 })),
    top_k: often(fc.integer({ min: 1, max: 8 })),
    explain: often(fc.boolean()),
    request_id: often(fc.string({ minLength: 1 })),
    model: often(fc.constantFrom('test-model', 'test-model', 'test-model', 'test-model', 'test-model@x', '@')),
  },
  { requiredKeys: ['scenario', 'items'] },
);

const tensor = fc.record({
  name: often(fc.constantFrom('ids', 'scenario', 'user', 'age', 'tags', 'sequences')),
  shape: often(fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 3 })),
  datatype: often(fc.constantFrom('INT32', 'BYTES', 'FP32', 'INT64', 'X')),
  data: often(
    fc.array(fc.oneof(fc.integer({ min: -3, max: 200 }), value, fc.array(value, { maxLength: 4 })), { maxLength: 40 }),
  ),
});
const inferBody = fc.record(
  {
    id: often(fc.string()),
    inputs: often(fc.array(tensor, { maxLength: 4 })),
    outputs: often(fc.array(fc.record({ name: often(fc.constantFrom('logits', 'x')) }), { maxLength: 2 })),
  },
  { requiredKeys: ['inputs'] },
);
const adminBody = fc.record(
  { path: often(fc.constantFrom('/tmp', '/etc/passwd', '.', '\u0000', '/dev/zero', '~')), force: often(fc.boolean()) },
  { requiredKeys: [] },
);

const experiment = fc.record(
  {
    key: often(fc.constantFrom('a', 'b')),
    unit: often(fc.constantFrom('hour', 'city')), // GOOD has neither
    arms: often(
      fc.constantFrom(
        { control: {}, b: { score: 'click' } },
        { a: {}, b: { model: 'test-model' } },
        { a: {}, b: {}, c: {} },
      ),
    ),
    mode: often(fc.constantFrom('split', 'interleave', 'shadow')),
    coverage: often(fc.double({ min: 0, max: 1, noNaN: true })),
    bucketVersion: often(fc.nat(5)),
  },
  { requiredKeys: ['key', 'unit', 'arms'] },
);
const revision = often(fc.constantFrom(undefined, undefined, 1));
const experimentsBody = fc.oneof(
  fc.record({ revision, experiments: often(fc.array(experiment, { maxLength: 2 })) }),
  fc.record({ revision, experiment }),
);
const flagBody = fc.record(
  {
    context: often(fc.record({ targetingKey: often(fc.constantFrom('u1', 7)), scenario: often(fc.constant('home')) })),
  },
  { requiredKeys: [] },
);

const text = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  arbitrary.map((body) => JSON.stringify(body) ?? 'undefined');
/** Right JSON with bytes changed, cut off or doubled. */
const damaged = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(arbitrary, fc.nat(), fc.string({ minLength: 1, maxLength: 3 }), fc.nat(2)).map(([body, at, put, how]) => {
    const place = body.length === 0 ? 0 : at % body.length;
    return [body.slice(0, place) + put + body.slice(place + 1), body.slice(0, place), body.slice(0, place) + body][how];
  });
/** A number of right JSON in another spelling, or one that 64 bits do not hold. */
const numbered = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(arbitrary, fc.constantFrom(...NUMBERS), fc.nat(20)).map(([body, put, which]) => {
    let at = 0;
    return body.replace(/(?<=[:[,])-?\d[\d.eE+-]*/g, (found) => (at++ === which ? put : found));
  });
const NUMBERS = ['9007199254740993', '-0', '1.0', '1e400', '-1e-400', '0.10000000000000001', '1.00000000000000000001'];
const bytes = fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all));
const bodyOf = (right: fc.Arbitrary<unknown>): fc.Arbitrary<string | Uint8Array> =>
  fc.oneof(
    { weight: 6, arbitrary: text(right) as fc.Arbitrary<string | Uint8Array> },
    { weight: 2, arbitrary: numbered(text(right)) },
    { weight: 2, arbitrary: damaged(text(right)) },
    { weight: 1, arbitrary: text(fc.jsonValue()) },
    { weight: 1, arbitrary: bytes },
    { weight: 1, arbitrary: bytes.map((all) => all.toString('latin1')) },
  );

export interface GeneratedRequest {
  method: string;
  path: string;
  body?: string | Uint8Array;
  headers: Record<string, string>;
}

const PACKERS: Record<string, (body: Buffer) => Uint8Array> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
};

const contentType = fc.oneof(
  { weight: 15, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('text/plain', 'application/json; charset=utf-16', 'multipart/form-data', 'x'),
  },
);
/** The name of an encoding, and what it makes of a body: right, or not. */
const encoding = fc.oneof(
  { weight: 15, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: fc.constantFrom(...Object.keys(PACKERS)) },
  { weight: 1, arbitrary: fc.constantFrom('zstd', 'gzip, br', '', '__proto__') },
);
const packed = ([request, name, isPacked]: [GeneratedRequest, string | undefined, boolean]): GeneratedRequest => {
  const { body, headers } = request;
  if (name === undefined || body === undefined) return request;
  const pack = isPacked && Object.hasOwn(PACKERS, name) ? PACKERS[name] : Buffer.from;
  return { ...request, body: pack(Buffer.from(body as string)), headers: { ...headers, 'content-encoding': name } };
};
const post = (path: fc.Arbitrary<string>, right: fc.Arbitrary<unknown>, method = 'POST') =>
  fc.tuple(plain(method, path, right), encoding, fc.boolean()).map(packed);
const plain = (
  method: string,
  path: fc.Arbitrary<string>,
  right: fc.Arbitrary<unknown>,
): fc.Arbitrary<GeneratedRequest> =>
  fc.record({
    method: fc.constant(method),
    path,
    body: bodyOf(right),
    headers: contentType.map((type) => ({ 'content-type': type, authorization: `Bearer ${ADMIN_KEY}` })),
  });
const modelName = fc.oneof(
  { weight: 5, arbitrary: fc.constant('test-model') },
  { weight: 1, arbitrary: fc.oneof(fc.string(), fc.constantFrom('..', '__proto__', '%')).map(encodeURIComponent) },
);

const request: fc.Arbitrary<GeneratedRequest> = fc.oneof(
  { weight: 5, arbitrary: post(fc.constantFrom('/v1/rank', '/v1/score'), rankBody) },
  {
    weight: 3,
    arbitrary: post(
      modelName.map((name) => `/v2/models/${name}/infer`),
      inferBody,
    ),
  },
  {
    weight: 1,
    arbitrary: post(
      modelName.map((name) => `/admin/models/${name}/load`),
      adminBody,
    ),
  },
  {
    weight: 1,
    arbitrary: post(
      modelName.map((name) => `/admin/models/${name}/rollback`),
      fc.constantFrom({}, null, []),
    ),
  },
  {
    weight: 1,
    arbitrary: post(fc.constantFrom('/admin/experiments', '/admin/experiments/a'), experimentsBody, 'PUT'),
  },
  {
    weight: 1,
    arbitrary: post(
      fc.constantFrom('/ofrep/v1/evaluate/flags', '/ofrep/v1/evaluate/flags/a', '/ofrep/v1/evaluate/flags/%00'),
      flagBody,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      method: fc.constantFrom('GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'),
      path: fc.oneof(
        fc.constantFrom(
          '/v1/rank',
          '/v2',
          '/docs',
          '/openapi.json',
          '/metrics',
          '/admin/models',
          '/v2/health/ready',
          '/%',
          '/%2e%2e/',
        ),
        fc.webPath().map((path) => (path.startsWith('/') ? path : `/${path}`)),
      ),
      headers: fc.constant({}),
    }),
  },
);

/** Limits that generated requests reach. */
export const NARROW: ServingInput = {
  limits: { items: 5, bodyBytes: 2000, openBytes: 8000, answerBytes: 3000, waitingRows: 30, connections: 32 },
  rateLimit: { requests: 1_000_000 },
  trustProxy: true,
};

const GOOD = {
  scenario: 'home',
  user: { user: 'u1', age: 31 },
  items: [
    { id: 1, item: 3 },
    { id: 2, item: 5 },
  ],
};

/** Sends so many generated requests; gives how many were answered with each status. */
export async function fuzz(client: Client, runs: number, seed: number): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {};
  const contract = contractOf((await client.ask('/openapi.json')).body);
  const before = (await client.ask('/v1/rank', GOOD)).body.items;
  const send = async ({ method, path, body, headers }: GeneratedRequest): Promise<void> => {
    const response = await fetch(client.address + path, { method, headers, ...(body !== undefined && { body }) });
    const answer = await response.text();
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
    const given = { status: response.status, contentType: response.headers.get('content-type') ?? '', text: answer };
    const asked = new URL(client.address + path).pathname; // without its dots, as it is sent
    contract.check(method, asked, given);
    if (response.status === 200 && typeof body === 'string')
      contract.checkTaken(method, asked, asRead(JSON.parse(body)));
    if (response.status !== 503) expect(response.status, `${method} ${path} ${body}`).toBeLessThan(500);
    expect(answer).not.toMatch(/node_modules|\.(ts|js):\d+:\d+|\n {4}at /);
    if (response.status >= 400 && method !== 'HEAD') {
      const told = JSON.parse(answer);
      const code = /^\/(?:v2|ofrep)/.test(path) ? told.code : told.error.code;
      expect(code).toMatch(/^[A-Z_]+$/);
      expect(code).not.toBe('INTERNAL');
    }
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 8, maxLength: 8 }),
      async (all) => void (await Promise.all(all.map(send))),
    ),
    { numRuns: Math.ceil(runs / 8), seed, endOnFailure: true },
  );
  expect((await client.ask('/v1/rank', GOOD)).body.items).toEqual(before);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  return statuses;
}

type Values = Record<string, unknown>;

/** A request without the values that others override: nobody reads those, so they may be of any type. */
function asRead(body: { user?: Values; context?: Values; items?: Values[] } | null): unknown {
  const { user, context, items } = body ?? {};
  if (!Array.isArray(items)) return body;
  const overridden = (name: string): boolean =>
    items.every((item) => Object.hasOwn(item, name) || Object.hasOwn(Object(item.fields), name));
  const kept = (values: Values, isOut: (name: string) => boolean): Values =>
    Object.fromEntries(Object.entries(values).filter(([name]) => !isOut(name)));
  return {
    ...body,
    ...(user && { user: kept(user, (name) => overridden(name) || Object.hasOwn(Object(context), name)) }),
    ...(context && { context: kept(context, overridden) }),
  };
}
