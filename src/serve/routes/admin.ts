/** /admin/models: what is served, and changing it. */
import { isAbsolute, relative, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { MODEL_NAME } from '../../artifact/paths.ts';
import { error } from '../../base/errors/index.ts';
import type { Change } from '../models.ts';
import { parseRequest } from '../parse.ts';
import type { Service } from '../server.ts';

const loadSchema = z.strictObject({
  path: z.string().min(1).max(4096),
  /** Also where recorded requests fail with the new artifact. */
  force: z.boolean().default(false),
});
const emptySchema = z.strictObject({});

const nameSchema = z.strictObject({
  name: z.string().regex(MODEL_NAME, 'expected letters, digits, dots, dashes and underscores, 64 at most'),
});
const modelName = (name: string): string => parseRequest(nameSchema, { name }).name;

export function adminRoutes(app: FastifyInstance, { config: serving, models, metrics, coordinator }: Service): void {
  const config = { access: 'admin' as const, rateLimit: false as const };
  const change = async (asked: Change): Promise<object> => {
    const start = performance.now();
    try {
      const model = await coordinator.change(asked);
      metrics.addSwap(asked.kind === 'load' ? 'loaded' : 'rolled back');
      app.log.info({ change: asked.kind, ...model }, 'models changed');
      return { model, took_ms: Math.round(performance.now() - start) };
    } catch (cause) {
      metrics.addSwap('refused');
      throw cause;
    }
  };

  app.get('/admin/models', { config }, async () => ({ models: models.list() }));
  app.post<{ Params: { name: string } }>('/admin/models/:name/load', { config }, async ({ params, body }) => {
    const name = modelName(params.name);
    const { path, force } = parseRequest(loadSchema, body);
    return change({ kind: 'load', name, path: allowedPath(path, serving.artifactFolder), force });
  });
  app.post<{ Params: { name: string } }>('/admin/models/:name/rollback', { config }, async ({ params, body }) => {
    parseRequest(emptySchema, body ?? {});
    return change({ kind: 'rollback', name: modelName(params.name) });
  });
}

/** Where artifacts may come from while serving. Links inside are refused when the artifact is opened. */
function allowedPath(path: string, folder: string | undefined): string {
  if (folder === undefined) return resolve(path);
  const full = resolve(folder, path);
  const inside = relative(resolve(folder), full);
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside))
    throw error('ARTIFACT_OUTSIDE', { path, folder: resolve(folder) });
  return full;
}
