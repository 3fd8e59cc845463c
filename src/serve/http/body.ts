/** Reads the body of a request: unpacks it within the limit, scans it, then parses it. */

import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { error, type TributaryError } from '../../base/errors/index.ts';
import type { ServingConfig } from '../../config/serving.ts';
import { slotsOf } from '../../data/encode/ids.ts';
import type { Models } from '../models/models.ts';
import { bentNumbers } from './bent-numbers.ts';
import type { Connections } from './connections.ts';
import { MOST_PROBLEMS } from './parse.ts';
import { type BodyShape, MOST_NAMES, scanBody } from './scan.ts';
import { sentItems } from './sent-items.ts';

/** A smaller body is parsed whatever it contains: that takes at most 10 ms. */
const SMALL_BYTES = 64 * 1024;

/**
 * Reads JSON bodies. After a refusal the connection stays open if the whole body has arrived.
 *
 * fastify's parser names what is wrong with a text and refuses properties that change prototypes. It looks for these in the whole
 * text again, so it parses only what the scan did not find free of them, and what JSON.parse refuses.
 */
export function addBodies(app: FastifyInstance, config: ServingConfig, models: Models, connections: Connections): void {
  const { bodyBytes } = config.limits;
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.decorateRequest('bodyBytes', 0);
  app.decorateRequest('sentItems', undefined);
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: Readable) => {
    const unpack = unpackerOf(request.headers['content-encoding']);
    const hold = connections.holdBody.bind(connections, request.raw);
    const bytes = await collect(payload, Number(request.headers['content-length'] ?? 0), bodyBytes, hold);
    if (unpack === undefined) return bytes;
    const whole = await unpacked(unpack, bytes, bodyBytes);
    hold(whole.length);
    return whole;
  });
  app.addHook('preValidation', (request, _, done) => {
    const { body } = request;
    if (!Buffer.isBuffer(body)) return done();
    request.bodyBytes = body.length;
    if (!isUtf8(body)) throw error('BODY_NOT_JSON', { reason: 'its bytes are not UTF-8' });
    const scan = scanBody(body, shapeOf(request, config, models));
    const { mayBend, mayPoison } = scan;
    if (config.events !== undefined) request.sentItems = sentItems(body, scan);
    const text = body.toString();
    request.body = mayPoison ? undefined : parsedOf(text);
    if (request.body === undefined)
      parseJson(request, text, (cause, value) => {
        request.body = cause ?? value;
      });
    if (request.body instanceof Error) return done(request.body);
    if (mayBend) refuseBent(text);
    done();
  });
}

/** Undefined if the text is not JSON. */
function parsedOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * How much a body may contain: for a large one, as much as the largest request with every field of a served model. Admins, whose key has
 * been checked, may send many experiments with names of their own.
 */
function shapeOf(request: FastifyRequest, { limits }: ServingConfig, models: Models): BodyShape {
  const { depth, items } = limits;
  const bytes = request.bodyBytes;
  const isAdmin = request.routeOptions.config?.access === 'admin';
  if (bytes <= SMALL_BYTES || isAdmin) return { depth, values: bytes + 1, names: MOST_NAMES };
  let perItem = 0;
  let fields = 0;
  for (const { name } of models.list()) {
    const { ranker, done } = models.use(name);
    done();
    const { data } = ranker.manifest;
    const history = data.sequences === undefined ? 0 : data.sequences.types.length * data.sequences.length;
    const slots = slotsOf(data.fields);
    const given = data.fields.length + (data.unreadFields ?? []).length;
    perItem = Math.max(perItem, given + slots + history);
    fields = Math.max(fields, given);
  }
  return { depth, values: limits.values ?? items * (perItem + 4) + 10_000, names: 2 * fields + 1000 };
}

/**
 * A body of a request as text, such as one from a file, read as a service reads it.
 *
 * @param from what the text is, for messages
 * @throws BODY_NOT_JSON, REQUEST_INVALID
 */
export function bodyOfText(text: string, from = 'it'): unknown {
  const body = parsedOf(text);
  if (body === undefined) throw error('BODY_NOT_JSON', { reason: `${from} cannot be parsed` });
  refuseBent(text);
  return body;
}

/** Refuses numbers that would be read as another integer, and ids of items that would not come back as they were sent. */
function refuseBent(text: string): void {
  const bent = bentNumbers(
    text,
    (path, value) => Number.isSafeInteger(value) || (path.length === 3 && path[0] === 'items' && path[2] === 'id'),
    MOST_PROBLEMS,
  );
  if (bent.length === 0) return;
  const problems = bent.map(({ path, written, value }) => ({
    path: path.join('.'),
    message: `${written} would be read as ${value}: send it as a text`,
  }));
  throw error('REQUEST_INVALID', { problems });
}

type Hold = (bytes: number, refuse?: (cause: TributaryError) => void) => void;

/** The bytes of a body. Throws BODY_TOO_LARGE, SERVER_FULL, and HTTP_INVALID if the connection ends before the body. */
function collect(payload: Readable, announced: number, limit: number, hold: Hold): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (): void => {
      payload.off('data', take).off('end', end).off('error', cut).off('close', cut);
    };
    const refuse = (cause: TributaryError): void => {
      settle();
      payload.on('error', () => {}).resume();
      chunks.length = 0;
      reject(cause);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > limit) refuse(error('BODY_TOO_LARGE', { limit }));
      else hold(size, refuse);
    };
    const end = (): void => {
      settle();
      hold(size);
      resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size));
    };
    const cut = (): void => {
      settle();
      reject(error('HTTP_INVALID', { reason: 'the connection ended before the body did' }));
    };
    if (announced > limit) return refuse(error('BODY_TOO_LARGE', { limit }));
    hold(0, refuse);
    payload.on('data', take).on('end', end).on('error', cut).on('close', cut);
  });
}

type Unpack = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const UNPACKERS: Record<string, Unpack> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  br: promisify(brotliDecompress),
  // Clients send zlib or raw deflate under this name.
  deflate: (bytes, options) => ((bytes[0] & 15) === 8 ? promisify(inflate) : promisify(inflateRaw))(bytes, options),
};

/** The function that undoes an encoding; undefined without one. Throws BODY_ENCODING. */
function unpackerOf(encoding: string | undefined): Unpack | undefined {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return undefined;
  if (!Object.hasOwn(UNPACKERS, name)) throw error('BODY_ENCODING', { found: name.slice(0, 100) });
  return UNPACKERS[name];
}

/** Stops where the limit is reached, however much would follow. */
async function unpacked(unpack: Unpack, bytes: Buffer, limit: number): Promise<Buffer> {
  try {
    return await unpack(bytes, { maxOutputLength: limit });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw error('BODY_TOO_LARGE', { limit });
    throw error('BODY_PACKED', { reason: message });
  }
}
