/** /admin/experiments: shows the experiments, and changes all or one of them. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type ErrorCode, error } from '../../base/errors/index.ts';
import { experimentsSchema } from '../../config/experiments.ts';
import type { AskedExperiments } from '../experiments/state.ts';
import { parseRequest } from '../http/parse.ts';
import type { RouteContext } from './context.ts';
import { route } from './route.ts';
import { jsonSchemaOf, ref } from './schemas.ts';

const revision = z
  .int()
  .min(1)
  .optional()
  .describe(
    'The revision that the change was made for: with another one nothing changes. Default: whichever there is.',
  );

const allSchema = z.strictObject({ revision, experiments: experimentsSchema });
const oneSchema = z.strictObject({ revision, experiment: experimentsSchema.element });

export async function experimentRoutes(
  app: FastifyInstance,
  { experiments, coordinator }: RouteContext,
): Promise<void> {
  const change = async (asked: AskedExperiments): Promise<object> => {
    const start = performance.now();
    await coordinator.changeExperiments(asked);
    const shown = experiments.shown();
    const keys = shown.experiments.map(({ key, coverage }) => ({ key, coverage }));
    app.log.info({ revision: shown.revision, experiments: keys }, 'experiments changed');
    return { ...shown, took_ms: Math.round(performance.now() - start) };
  };

  app.get('/admin/experiments', LIST, async () => experiments.shown());
  app.put('/admin/experiments', ALL, async ({ body }) => change(parseRequest(allSchema, body)));
  app.put<{ Params: { key: string } }>('/admin/experiments/:key', ONE, async ({ params, body }) => {
    const asked = parseRequest(oneSchema, body);
    if (asked.experiment.key !== params.key)
      throw error('REQUEST_INVALID', {
        problems: [{ path: 'experiment.key', message: `expected ${params.key}, the one of the path` }],
      });
    return change(asked);
  });
}

const LIST = route({
  access: 'admin',
  tag: 'experiments',
  summary: 'Lists the experiments',
  answers: { 200: { ...ref('Experiments'), description: 'The experiments, as a PUT takes them' } },
});

const CHANGE_ERRORS = [
  'SWAP_RUNNING',
  'SWAP_FAILED',
  'WORKER_SILENT',
  'EXPERIMENTS_CHANGED',
  'EXPERIMENT_MOVES',
  'EXPERIMENT_MODEL',
  'EXPERIMENT_SCENARIO',
  'EXPERIMENT_UNIT',
  'EXPERIMENTS_OVERLAP',
  'SCORE_INVALID',
  'DISK_FULL',
  'FILE_UNWRITABLE',
] satisfies ErrorCode[];

const CHANGED = { 200: { ...ref('Experiments'), description: 'The experiments that are in force now' } };

const ALL = route({
  access: 'admin',
  tag: 'experiments',
  summary: 'Runs exactly these experiments, in all processes or in none',
  body: jsonSchemaOf(allSchema),
  answers: CHANGED,
  errors: CHANGE_ERRORS,
});

const ONE = route({
  access: 'admin',
  tag: 'experiments',
  summary: 'Changes or adds one experiment, in all processes or in none',
  params: { key: { type: 'string', description: 'Its key.' } },
  body: jsonSchemaOf(oneSchema),
  answers: CHANGED,
  errors: CHANGE_ERRORS,
});
