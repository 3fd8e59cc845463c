/**
 * How a route is declared: who may use it, what it takes, and every answer it can give. The declaration is the route's
 * fastify schema, from which @fastify/swagger makes /openapi.json. It documents and does not check: requests are checked by
 * our own code, which names the first mistakes by path at a bounded cost (http/parse.ts, ranker/request.ts).
 */
import type { FastifySchema } from 'fastify';
import { ERRORS, type ErrorCode } from '../../base/errors/index.ts';
import type { Access } from '../http/access.ts';
import type { JsonSchema } from '../ranker/request-schema.ts';

/** Groups of routes in the document, in its order. */
export const TAGS = {
  ranking: 'Ranks candidates.',
  events: 'What users did with what was shown to them.',
  inference: 'The Open Inference Protocol, version 2: tensors through the joint graph.',
  service: 'The service itself: metrics and its description.',
  models: 'Shows and changes the models that are served.',
  experiments: 'Shows and changes online experiments.',
  flags: 'The OpenFeature Remote Evaluation Protocol: the arm of a unit, without an answer that exposes it.',
  features: 'Tables of users and items: what is in them, requests need not send.',
} as const;

export interface RouteDeclaration {
  access: Access;
  tag: keyof typeof TAGS;
  /** One sentence. */
  summary: string;
  /** Parameters of the path, by name. */
  params?: Record<string, JsonSchema>;
  /** Of a JSON body. A body of which no property is required may be left out. */
  body?: JsonSchema;
  /** What is answered without an error, by status. */
  answers: Record<number, Answer>;
  /** Errors of this route; those of its access, of bodies and of faults are added. */
  errors?: readonly ErrorCode[];
}

/** What it is, and its schema: of JSON, or of a text by its type. */
export type Answer = { description: string } & (JsonSchema | { content: Record<string, { schema: JsonSchema }> });

/** What fastify is given with the route. */
export function route({ access, tag, summary, params, body, answers, errors = [] }: RouteDeclaration): {
  config: { access: Access };
  schema: FastifySchema;
} {
  const codes = [...errors, ...ACCESS_ERRORS[access], ...(body === undefined ? [] : BODY_ERRORS), ...FAULTS];
  return {
    config: { access },
    schema: {
      summary,
      tags: [tag],
      security: SECURITY[access],
      ...(params && { params: { type: 'object', required: Object.keys(params), properties: params } }),
      ...(body && { body }),
      response: { ...answers, ...errorAnswers(codes, ERROR_OF[tag] ?? 'Error') },
    },
  };
}

/** Protocols have errors of their own form. */
const ERROR_OF: Partial<Record<keyof typeof TAGS, ErrorKind>> = { inference: 'InferenceError', flags: 'FlagError' };
type ErrorKind = 'Error' | 'InferenceError' | 'FlagError';

/** A key is needed only where keys are configured. */
const SECURITY: Record<Access, Record<string, string[]>[]> = {
  open: [],
  key: [{}, { key: [] }],
  events: [{}, { key: [] }],
  admin: [{ admin: [] }],
};

const ACCESS_ERRORS = {
  open: [],
  key: ['KEY_INVALID', 'KEY_SCOPE', 'RATE_LIMITED'],
  events: ['KEY_INVALID', 'KEY_SCOPE', 'RATE_LIMITED'],
  admin: ['KEY_INVALID', 'ADMIN_FORBIDDEN', 'RATE_LIMITED'],
} satisfies Record<Access, ErrorCode[]>;

/** Of any route with a body. */
const BODY_ERRORS = [
  'BODY_TYPE',
  'BODY_ENCODING',
  'BODY_PACKED',
  'BODY_NOT_JSON',
  'BODY_TOO_LARGE',
  'BODY_TOO_DEEP',
  'BODY_TOO_COMPLEX',
  'REQUEST_INVALID',
  'HTTP_INVALID',
  'SERVER_FULL',
] satisfies ErrorCode[];

/** `INTERNAL` stands for every fault of the server. It is no code of the catalogue. */
const FAULTS = ['INTERNAL'] as const;

/** An answer for each status of `codes`, which lists the codes of that status. */
function errorAnswers(codes: readonly (ErrorCode | 'INTERNAL')[], kind: ErrorKind) {
  const byStatus = new Map<number, Set<string>>();
  for (const code of codes) {
    const status = code === 'INTERNAL' ? 500 : ERRORS[code].httpStatus;
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => {
      const code = { type: 'string', enum: [...names] };
      const named = kind === 'Error' ? { error: { type: 'object', properties: { code } } } : { code };
      const allOf = [{ $ref: `${kind}#` }, { type: 'object', properties: named }];
      return [status, { description: [...names].join(', '), allOf }];
    }),
  );
}
