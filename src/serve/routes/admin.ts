/** /admin/models: shows and changes the models that are served. */
import { resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { MODEL_NAME } from '../../store/artifact/paths.ts';
import { isInside } from '../../store/artifact/place.ts';
import { parseOptional, parseRequest } from '../http/parse.ts';
import type { AskedChange } from '../processes/coordinator.ts';
import type { RouteContext } from './context.ts';
import { TABLE_ERRORS } from './features.ts';
import { route } from './route.ts';
import { jsonSchemaOf, ref } from './schemas.ts';

const loadSchema = z.strictObject({
  path: z.string().min(1).max(4096).describe('Folder of the artifact, on the server.'),
  force: z.boolean().default(false).describe('Also where recorded requests fail with it.'),
});
const rollbackSchema = z.strictObject({
  force: z.boolean().default(false).describe('Also where recorded requests fail with it.'),
});

const nameSchema = z.strictObject({
  name: z.string().regex(MODEL_NAME, 'expected letters, digits, dots, dashes and underscores, 64 at most'),
});
const modelName = (name: string): string => parseRequest(nameSchema, { name }).name;

export async function adminRoutes(
  app: FastifyInstance,
  { config, models, metrics, coordinator }: RouteContext,
): Promise<void> {
  const change = async (asked: AskedChange): Promise<object> => {
    const start = performance.now();
    try {
      const changed = await coordinator.change(asked);
      metrics.addSwap(asked.kind === 'load' ? 'loaded' : 'rolled back');
      const { model, warnings } = changed;
      app.log.info({ change: asked.kind, ...model, ...(warnings.length > 0 && { warnings }) }, 'models changed');
      return { ...changed, took_ms: Math.round(performance.now() - start) };
    } catch (cause) {
      metrics.addSwap('refused');
      throw cause;
    }
  };

  app.get('/admin/models', LIST, async () => ({ models: models.list() }));
  app.post<{ Params: { name: string } }>('/admin/models/:name/load', LOAD, async ({ params, body }) => {
    const name = modelName(params.name);
    const { path, force } = parseRequest(loadSchema, body);
    const within = config.artifactFolder && resolve(config.artifactFolder);
    return change({ kind: 'load', name, path: allowedPath(path, within), within, force });
  });
  app.post<{ Params: { name: string } }>('/admin/models/:name/rollback', ROLLBACK, async ({ params, body }) => {
    const { force } = parseOptional(rollbackSchema, body);
    return change({ kind: 'rollback', name: modelName(params.name), force });
  });
}

const LIST = route({
  access: 'admin',
  tag: 'models',
  summary: 'Lists the models that are served',
  answers: {
    200: {
      description: 'The models',
      type: 'object',
      required: ['models'],
      additionalProperties: false,
      properties: { models: { type: 'array', items: ref('ModelState') } },
    },
  },
});

const params = { name: { type: 'string', pattern: MODEL_NAME.source, description: 'Name of the model.' } };

const CHANGED = { 200: { ...ref('Changed'), description: 'How the model stands now, and what that means' } };

const LOAD = route({
  access: 'admin',
  tag: 'models',
  summary: 'Verifies and warms an artifact, then serves it in place of the one of this name',
  params,
  body: jsonSchemaOf(loadSchema),
  answers: CHANGED,
  errors: [
    'SWAP_RUNNING',
    'ARTIFACT_OUTSIDE',
    'ARTIFACT_NOT_FOUND',
    'ARTIFACT_LINK',
    'ARTIFACT_SEAL',
    'ARTIFACT_VERSION',
    'ARTIFACT_PATH',
    'ARTIFACT_INVALID',
    'ARTIFACT_FILE_MISSING',
    'ARTIFACT_FILE_UNEXPECTED',
    'ARTIFACT_FILE_SIZE',
    'ARTIFACT_FILE_CHANGED',
    'ARTIFACT_FILE_INVALID',
    'ARTIFACT_GRAPH',
    'ARTIFACT_UNFIT',
    'MODEL_IN_EXPERIMENT',
    'EXPERIMENT_UNFIT',
    'FILE_MISSING',
    'FILE_TOO_LARGE',
    'FILE_UNREADABLE',
    'CACHE_FULL',
    'CACHE_UNWRITABLE',
    'SCORE_INVALID',
    'SCORE_SCENARIO',
    'SCORE_UNDEFINED',
    'BACKEND_UNAVAILABLE',
    'SWAP_FAILED',
    'WORKER_SILENT',
    ...TABLE_ERRORS,
  ],
});

const ROLLBACK = route({
  access: 'admin',
  tag: 'models',
  summary: 'Serves the artifact before this one again',
  params,
  body: jsonSchemaOf(rollbackSchema),
  answers: CHANGED,
  errors: [
    'SWAP_RUNNING',
    'MODEL_NOT_SERVED',
    'ROLLBACK_NONE',
    'ROLLBACK_UNFIT',
    'EXPERIMENT_UNFIT',
    'SWAP_FAILED',
    'WORKER_SILENT',
  ],
});

/**
 * The absolute path of an artifact to load. Throws ARTIFACT_OUTSIDE if its text leads outside `folder`, before anything there is
 * touched; where its links lead is checked when the folder has been opened.
 */
function allowedPath(path: string, folder: string | undefined): string {
  if (folder === undefined) return resolve(path);
  const full = resolve(folder, path);
  if (!isInside(full, folder)) throw error('ARTIFACT_OUTSIDE', { path, folder });
  return full;
}
