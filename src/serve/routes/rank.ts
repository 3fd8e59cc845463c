/** POST /v1/rank and /v1/score. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RankRequest, RankResponse } from '../ranker/contract.ts';
import type { Ranker } from '../ranker/ranker.ts';
import type { RouteContext } from './context.ts';

export function rankRoutes(app: FastifyInstance, { models, metrics }: RouteContext): void {
  const route = (path: string, ask: (ranker: Ranker, request: RankRequest) => Promise<RankResponse>): void => {
    app.post(path, { config: { access: 'key' } }, async (request, reply) => {
      const body = withId(request);
      const { ranker, recorder, done } = models.use(modelOf(body));
      request.noted.model = ranker.label;
      try {
        const response = await ask(ranker, body);
        request.noted.items = body.items.length;
        metrics.addItems(body.items.length);
        recorder.add(body, request.bodyBytes);
        return reply.type('application/json; charset=utf-8').send(JSON.stringify(response));
      } finally {
        done();
      }
    });
  };
  route('/v1/rank', (ranker, request) => ranker.rank(request));
  route('/v1/score', (ranker, request) => ranker.score(request));
}

const modelOf = (body: Partial<RankRequest> | null | undefined): string | undefined =>
  typeof body?.model === 'string' ? body.model : undefined;

/** The body, whatever it is so far, with the id of the HTTP request unless it has its own. */
function withId(request: FastifyRequest): RankRequest {
  const { body } = request;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body as RankRequest;
  const { request_id = request.id, ...rest } = body as RankRequest;
  if (typeof request_id === 'string' && request_id.length <= 128) request.noted.request_id = request_id;
  return { request_id, ...rest };
}
