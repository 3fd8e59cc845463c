/** /admin/features: shows the tables of features, and reads them anew. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type ErrorCode, error } from '../../base/errors/index.ts';
import { shownTables, statesOf } from '../features/state.ts';
import { parseOptional } from '../http/parse.ts';
import type { JsonSchema } from '../ranker/request-schema.ts';
import type { RouteContext } from './context.ts';
import { route } from './route.ts';
import { jsonSchemaOf } from './schemas.ts';

const noOptions = z.strictObject({});

export async function featureRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  const { config, models, coordinator } = context;
  app.get('/admin/features', LIST, async () => {
    if (config.features === undefined) throw error('FEATURES_OFF', undefined);
    return { tables: models.tables().flatMap(({ name, set }) => statesOf(name, set)) };
  });
  app.post('/admin/features/refresh', REFRESH, async ({ body }) => {
    parseOptional(noOptions, body);
    const start = performance.now();
    const { changed, tables } = await coordinator.refresh();
    if (changed) app.log.info(shownTables(tables));
    return { changed, tables, took_ms: Math.round(performance.now() - start) };
  });
}

/** Errors of reading tables: of a refresh, and of the load of a model that has some. */
export const TABLE_ERRORS = [
  'FEATURES_ARTIFACT',
  'FEATURES_SOURCE',
  'FEATURES_TABLE',
  'FEATURES_COLUMN',
  'FEATURES_DUPLICATE',
  'FEATURES_FIELD',
  'FEATURES_FIELD_UNKNOWN',
  'FEATURES_FIELD_TWICE',
  'FEATURES_NOTHING',
  'FEATURES_TOO_LARGE',
  'FEATURES_CHANGED',
  'FEATURES_REFRESH',
] satisfies ErrorCode[];

const count = (description: string): JsonSchema => ({ type: 'integer', description });

const STATE: JsonSchema = {
  type: 'object',
  required: ['model', 'table', 'rows', 'bytes', 'without_id', 'fields', 'read'],
  additionalProperties: false,
  properties: {
    model: { type: 'string', description: 'Name of the model; one kept for a rollback is listed as well.' },
    table: { type: 'string' },
    rows: count('Ids that it has.'),
    bytes: count('Memory that it takes in each process. Models that were prepared alike share most of it.'),
    without_id: count('Rows without an id, which nobody can ask for.'),
    fields: { type: 'array', items: { type: 'string' }, description: 'Fields that requests need not send.' },
    read: { type: 'string', description: 'When it was read.' },
  },
};

const BEFORE: JsonSchema = {
  type: 'object',
  required: ['rows', 'bytes'],
  additionalProperties: false,
  properties: { rows: count('Ids that it had before.'), bytes: count('Memory that it took before.') },
};

const LIST = route({
  access: 'admin',
  tag: 'features',
  summary: 'Lists the tables of features',
  answers: {
    200: {
      description: 'The tables',
      type: 'object',
      required: ['tables'],
      additionalProperties: false,
      properties: { tables: { type: 'array', items: STATE } },
    },
  },
  errors: ['FEATURES_OFF'],
});

const REFRESH = route({
  access: 'admin',
  tag: 'features',
  summary: 'Reads the tables of features anew, and uses them in all processes or in none',
  body: jsonSchemaOf(noOptions),
  answers: {
    200: {
      description: 'The tables as they are now',
      type: 'object',
      required: ['changed', 'tables', 'took_ms'],
      additionalProperties: false,
      properties: {
        changed: { type: 'boolean', description: 'False where the files are those that were read before.' },
        tables: {
          type: 'array',
          items: { ...STATE, properties: { ...STATE.properties, before: BEFORE } },
        },
        took_ms: { type: 'number' },
      },
    },
  },
  errors: ['SWAP_RUNNING', 'SWAP_FAILED', 'WORKER_SILENT', 'FEATURES_OFF', ...TABLE_ERRORS],
});
