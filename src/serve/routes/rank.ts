/** POST /v1/rank and /v1/score. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CLOCK_HEADER, requestTime } from '../../events/clock.ts';
import type { Part } from '../experiments/plan.ts';
import { answerText } from '../ranker/answer-text.ts';
import type { RankRequest, RankResponse } from '../ranker/contract.ts';
import type { ServedRanker } from '../ranker/ranker-contract.ts';
import type { RouteContext } from './context.ts';
import { route } from './route.ts';
import { ref } from './schemas.ts';

export async function rankRoutes(
  app: FastifyInstance,
  { models, metrics, events, experiments }: RouteContext,
): Promise<void> {
  const add = (
    path: string,
    summary: string,
    ask: (ranker: ServedRanker, request: RankRequest, options: Asked) => Promise<Answer>,
  ): void => {
    app.post(path, declared(summary), async (request, reply) => {
      const body = withId(request);
      const time = events?.clock === 'requests' ? timeOf(request, reply) : undefined;
      const parts = path === RANK ? experiments.partsOf(body) : undefined;
      if (parts !== undefined) return sent(reply, await answerParts(request, body, parts, time));
      const { ranker, recorder, done } = models.use(modelOf(body));
      request.noted.model = ranker.label;
      try {
        const response = await ask(ranker, body, { time, sent: request.sentItems });
        request.noted.items = body.items.length;
        metrics.addItems(body.items.length);
        recorder.add(body, request.bodyBytes);
        return sent(reply, response);
      } finally {
        done();
      }
    });
  };
  /** Answers a request that takes part in experiments. */
  const answerParts = async (
    request: FastifyRequest,
    body: RankRequest,
    parts: readonly Part[],
    time: number | undefined,
  ): Promise<Answer> => {
    const logged = events?.chosen(String(body.request_id));
    const { ranking, ranker, recorder } = await experiments.answer(body, parts, {
      time,
      exploration: logged?.exploration,
      log:
        logged && ((ranking, ranker, time) => events?.addRanking(ranking, ranker, { time, sent: request.sentItems })),
    });
    request.noted.model = ranker.label;
    request.noted.items = body.items.length;
    metrics.addItems(body.items.length);
    recorder.add(body, request.bodyBytes);
    return logged === undefined ? ranking.response : answerText(ranking);
  };
  /** Logged answers are rankings: those of /v1/score are in no order that anybody saw. */
  const rank: Parameters<typeof add>[2] = async (ranker, request, { time, sent }) => {
    const logged = events?.chosen(String(request.request_id));
    if (events === undefined || logged === undefined) return ranker.rank(request);
    const ranking = await ranker.ranking(request, logged);
    const text = answerText(ranking);
    events.addRanking(ranking, ranker, { time, sent });
    return text;
  };
  add(RANK, 'Ranks candidates by falling score', rank);
  add('/v1/score', 'Scores candidates in the order given', (ranker, request) => ranker.score(request));
}

const RANK = '/v1/rank';

interface Asked {
  /** That the request brings. */
  time: number | undefined;
  sent: FastifyRequest['sentItems'];
}

/** As a text where it is logged. */
type Answer = RankResponse | string;

/** As fastify would send it, without its search for a serialiser. */
function sent(reply: FastifyReply, answer: Answer): string {
  void reply.type('application/json; charset=utf-8');
  return typeof answer === 'string' ? answer : JSON.stringify(answer);
}

const declared = (summary: string) =>
  route({
    access: 'key',
    tag: 'ranking',
    summary,
    body: ref('RankRequest'),
    answers: { 200: { ...ref('RankResponse'), description: 'The items with their scores' } },
    errors: [
      'CLOCK_INVALID',
      'SCENARIO_UNKNOWN',
      'ROW_VALUE_INVALID',
      'SEQUENCE_INVALID',
      'MODEL_NOT_SERVED',
      'TOO_MANY_ITEMS',
      'ANSWER_TOO_LARGE',
      'EXPLANATION_TOO_LARGE',
      'SCORE_UNDEFINED',
      'SERVER_BUSY',
    ],
  });

/** The time that the request brings. The client sees by the same header that it holds. */
function timeOf({ headers }: FastifyRequest, reply: FastifyReply): number | undefined {
  const time = requestTime(headers[CLOCK_HEADER]);
  if (time !== undefined) reply.header(CLOCK_HEADER, time);
  return time;
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
