/** An HTTP server over a folder of results: a list, a page for each, streams of their new states, and explanations of requests. It only reads. */
import { existsSync, statSync } from 'node:fs';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { closable } from '../base/disposal.ts';
import { error, TributaryError } from '../base/errors/index.ts';
import { segmentsStamp } from '../events/segments/latest.ts';
import { pageHtml, referrerPolicy } from '../pages/html.ts';
import type { Link, Page } from '../pages/page.ts';
import { openPage } from '../pages/sources/open.ts';
import { type Access, addAccess, checkAccess, checkOrigin } from './access.ts';
import { contentsOf, stampOf } from './contents.ts';
import { type Asked, createExplainer, type Explainer, hrefOf } from './explain.ts';
import { folderPages } from './folder-page.ts';
import { createLive, type Live, type Source } from './live.ts';

export interface StudioOptions extends Partial<Access> {
  /** Default 7070; 0 takes a free one. */
  port?: number;
}

export interface Studio extends AsyncDisposable {
  host: string;
  port: number;
  close(): Promise<void>;
}

/** Streams at a time. */
const STREAMS = 100;
/** Lines that keep a stream open where a proxy closes silent ones. */
const HEARTBEAT_MS = 15_000;

/** @throws STUDIO_EXPOSED, STUDIO_FILE, FILE_MISSING, PORT_TAKEN */
export async function startStudio(folder: string, options: StudioOptions = {}): Promise<Studio> {
  const { host = '127.0.0.1', port = 7070, token } = options;
  checkAccess({ host, token });
  if (!existsSync(folder)) throw error('FILE_MISSING', { path: folder, expected: 'a folder of results' });
  if (!statSync(folder).isDirectory()) throw error('STUDIO_FILE', { path: folder });
  const live = createLive();
  const explainer = createExplainer(folder);
  const app = fastify({ logger: false, forceCloseConnections: true });
  addAccess(app, { host, token });
  addHeaders(app);
  addErrors(app);
  addRoutes(app, sourcesOf(folder, explainer), live);
  addExplanations(app, explainer);
  app.addHook('onClose', async () => {
    live.close();
    await explainer.close();
  });
  await app.listen({ host, port }).catch((cause: Error) => {
    throw error('PORT_TAKEN', { host, port, reason: cause.message }, cause);
  });
  const address = app.server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return { ...closable, host, port: taken, close: () => app.close() };
}

interface Sources {
  list: Source;
  /** @throws STUDIO_NOT_LISTED: only what the list has can be opened. */
  of(name: string): Source;
}

/** Every page but the list links to it. */
const LIST: Link = { href: '/', text: '← all results' };

function sourcesOf(folder: string, explainer: Explainer): Sources {
  const page = folderPages(folder);
  return {
    list: {
      page,
      stamp: () =>
        contentsOf(folder)
          .map(({ name, path }) => `${name} ${stampOf(path)}`)
          .join('\n'),
    },
    of(name) {
      const found = contentsOf(folder).find((one) => one.name === name);
      if (found === undefined) throw error('STUDIO_NOT_LISTED', { name: name.slice(0, 200) });
      if (found.kind === 'log')
        return {
          page: () => ({ ...explainer.log(found), links: [LIST] }),
          stamp: () => segmentsStamp(found.path),
        };
      const explain = { href: hrefOf('explain', name), text: 'explain a request' };
      const links = found.kind === 'artifact' ? [LIST, explain] : [LIST];
      return { page: () => ({ ...openPage(found.path), links }), stamp: () => stampOf(found.path) };
    },
  };
}

function addRoutes(app: FastifyInstance, sources: Sources, live: Live): void {
  let streams = 0;
  const html = (reply: FastifyReply, page: Page, address: string): FastifyReply =>
    reply.type('text/html; charset=utf-8').send(pageHtml(page, { live: address }));
  const stream = (reply: FastifyReply, name: string, source: Source): void => {
    if (streams >= STREAMS) {
      void reply.code(503).send('too many pages are open\n');
      return;
    }
    streams++;
    sendStates(reply, (take) => live.follow(name, source, take)).addListener('close', () => streams--);
  };
  app.get('/', (_, reply) => html(reply, sources.list.page(), '/live'));
  app.get('/live', (_, reply) => stream(reply, '', sources.list));
  app.get<{ Params: { '*': string } }>('/view/*', ({ params }, reply) => {
    const name = params['*'];
    return html(reply, sources.of(name).page(), `/live/${name.split('/').map(encodeURIComponent).join('/')}`);
  });
  app.get<{ Params: { '*': string } }>('/live/*', ({ params }, reply) =>
    stream(reply, params['*'], sources.of(params['*'])),
  );
}

/** A form in which a request is pasted, and explanations of it or of one that a log has. */
function addExplanations(app: FastifyInstance, explainer: Explainer): void {
  const sent = (reply: FastifyReply, page: Page, name: string): FastifyReply => {
    const links = [LIST, { href: hrefOf('view', name), text: name }];
    const again = { href: hrefOf('explain', name), text: 'explain another request' };
    return reply
      .header('referrer-policy', referrerPolicy(page))
      .type('text/html; charset=utf-8')
      .send(pageHtml({ ...page, links: page.kind === 'ask' ? links : [...links, again] }));
  };
  const answer = async (reply: FastifyReply, name: string, asked: Asked): Promise<FastifyReply> => {
    try {
      return sent(reply, await explainer.explain(name, asked), name);
    } catch (cause) {
      if (!(cause instanceof TributaryError) || cause.code === 'STUDIO_NOT_LISTED') throw cause;
      const text = 'text' in asked ? asked.text : '';
      const problem = `${cause.code}: ${cause.message}`;
      return sent(reply.code(cause.httpStatus), explainer.ask(name, { text, problem }), name);
    }
  };
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: BODY_BYTES },
    (_request, body, done) => done(null, body),
  );
  app.get<{ Params: { '*': string }; Querystring: Record<string, unknown> }>(
    '/explain/*',
    ({ params, query }, reply) => {
      const [name, { log, id }] = [params['*'], query];
      if (typeof log === 'string' && typeof id === 'string') return answer(reply, name, { log, id });
      return sent(reply, explainer.ask(name), name);
    },
  );
  app.post<{ Params: { '*': string } }>('/explain/*', (request, reply) => {
    checkOrigin(request);
    const text = new URLSearchParams(String(request.body)).get('request') ?? '';
    return answer(reply, request.params['*'], { text });
  });
}

/** Of a pasted request. */
const BODY_BYTES = 16e6;

/** Server-sent events: each is a state of the page. */
function sendStates(reply: FastifyReply, follow: (take: (page: Page) => void) => () => void): FastifyReply['raw'] {
  const { raw } = reply.hijack();
  for (const [name, value] of Object.entries(HEADERS)) raw.setHeader(name, value);
  raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  const beat = setInterval(() => raw.write(': still here\n\n'), HEARTBEAT_MS);
  const stop = follow((page) => raw.write(`data: ${JSON.stringify(page)}\n\n`));
  return raw.addListener('close', () => {
    clearInterval(beat);
    stop();
  });
}

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

function addHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (_, reply) => void reply.headers(HEADERS));
}

/** Errors are plain text: no name of a file is ever markup. */
function addErrors(app: FastifyInstance): void {
  app.setErrorHandler((cause, _, reply) => {
    const known = cause instanceof TributaryError ? cause : undefined;
    const text = known === undefined ? 'the studio failed to answer' : `${known.code}: ${known.message}`;
    void reply
      .code(known?.httpStatus ?? 500)
      .type('text/plain; charset=utf-8')
      .send(`${text}\n`);
  });
  app.setNotFoundHandler((_, reply) => {
    void reply.code(404).type('text/plain; charset=utf-8').send('there is nothing here\n');
  });
}
