/** /admin/models: what is served, and changing it. */
import { resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { MODEL_NAME } from '../../store/artifact/paths.ts';
import { isInside } from '../../store/artifact/place.ts';
import { parseRequest } from '../http/parse.ts';
import type { AskedChange } from '../processes/coordinator.ts';
import type { RouteContext } from './context.ts';

const loadSchema = z.strictObject({
  path: z.string().min(1).max(4096),
  /** Also where recorded requests fail with the new artifact. */
  force: z.boolean().default(false),
});
const rollbackSchema = z.strictObject({ force: z.boolean().default(false) });

const nameSchema = z.strictObject({
  name: z.string().regex(MODEL_NAME, 'expected letters, digits, dots, dashes and underscores, 64 at most'),
});
const modelName = (name: string): string => parseRequest(nameSchema, { name }).name;

export function adminRoutes(
  app: FastifyInstance,
  { config: serving, models, metrics, coordinator }: RouteContext,
): void {
  const config = { access: 'admin' as const };
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

  app.get('/admin/models', { config }, async () => ({ models: models.list() }));
  app.post<{ Params: { name: string } }>('/admin/models/:name/load', { config }, async ({ params, body }) => {
    const name = modelName(params.name);
    const { path, force } = parseRequest(loadSchema, body);
    const within = serving.artifactFolder && resolve(serving.artifactFolder);
    return change({ kind: 'load', name, path: allowedPath(path, within), within, force });
  });
  app.post<{ Params: { name: string } }>('/admin/models/:name/rollback', { config }, async ({ params, body }) => {
    const { force } = parseRequest(rollbackSchema, body ?? {});
    return change({ kind: 'rollback', name: modelName(params.name), force });
  });
}

/**
 * Where artifacts may come from while serving. What the path's words say is checked here, so that nothing outside is looked
 * at; where its links lead, when the folder has been opened.
 */
function allowedPath(path: string, folder: string | undefined): string {
  if (folder === undefined) return resolve(path);
  const full = resolve(folder, path);
  if (!isInside(full, folder)) throw error('ARTIFACT_OUTSIDE', { path, folder });
  return full;
}
