/** Errors as HTTP answers. A caller sees the catalogue's message for its own mistakes, and nothing about faults of the server. */
import type { FastifyError } from 'fastify';
import { EXIT } from '../../base/errors/entry.ts';
import { error, TributaryError } from '../../base/errors/index.ts';
import type { ServingConfig } from '../../config/serving.ts';

export interface ErrorBody {
  error: { code: string; message: string; details?: unknown };
  request_id: string;
}

/** The error to answer with, or undefined for a fault of the server. */
export function knownError(cause: unknown, contentType: string, config: ServingConfig): TributaryError | undefined {
  if (cause instanceof TributaryError) return cause.exitCode === EXIT.internal ? undefined : cause;
  const { code, statusCode, message } = cause as Partial<FastifyError>;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return error('BODY_TOO_LARGE', { limit: config.limits.bodyBytes });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return error('BODY_TYPE', { found: contentType.slice(0, 100) });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return error('BODY_NOT_JSON', { reason: 'it is empty' });
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return error('BODY_NOT_JSON', { reason: 'its text does not follow the rules of JSON' });
  }
  // For `__proto__` and the like the JSON parser throws a SyntaxError with a status.
  if (cause instanceof SyntaxError && statusCode === 400) return error('BODY_NOT_JSON', { reason: message ?? '' });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return error('HTTP_INVALID', { reason: message ?? '' });
  return undefined;
}

/** The body of an error. Of its details only `problems` are given: the message has the others. */
export function errorBody(known: TributaryError | undefined, requestId: string): ErrorBody {
  if (known === undefined)
    return {
      error: { code: 'INTERNAL', message: 'the server failed on this request; its log says more' },
      request_id: requestId,
    };
  const { code, details } = known;
  const message = cut(known.message);
  const { problems } = (details ?? {}) as { problems?: unknown };
  return {
    error: { code, message, ...(Array.isArray(problems) && { details: { problems } }) },
    request_id: requestId,
  };
}

/** The same as the OpenFeature Remote Evaluation Protocol has it. `key`: the flag that was asked for. */
export const flagErrorBody = (
  { error: { code, message }, request_id }: ErrorBody,
  key: string | undefined,
): object => ({
  ...(key !== undefined && { key }),
  errorCode: flagErrorCode(code),
  errorDetails: message,
  code,
  request_id,
});

/** The protocol's word for a code of the catalogue. */
export function flagErrorCode(code: string): string {
  if (code === 'FLAG_NOT_FOUND' || code === 'TARGETING_KEY_MISSING') return code;
  if (code === 'REQUEST_INVALID') return 'INVALID_CONTEXT';
  return code.startsWith('BODY_') ? 'PARSE_ERROR' : 'GENERAL';
}

/** A model may have thousands of fields and scenarios; a message names the first. */
const cut = (message: string): string => (message.length > 4000 ? `${message.slice(0, 4000)}...` : message);

/** The same as the Open Inference Protocol has it: `error` is the message. */
export const inferenceErrorBody = ({ error: { code, message }, request_id }: ErrorBody): object => ({
  error: message,
  code,
  request_id,
});
