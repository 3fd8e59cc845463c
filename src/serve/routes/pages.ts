/** /metrics, /openapi.json and /docs. */
import type { FastifyInstance } from 'fastify';
import { docsPage } from '../http/docs-page.ts';
import { openApi } from '../http/openapi.ts';
import { exposition } from '../metrics/metrics.ts';
import type { RouteContext } from './context.ts';

export function pageRoutes(app: FastifyInstance, { models, coordinator }: RouteContext): void {
  const config = { access: 'key' as const };
  app.get('/metrics', { config }, async (_, reply) => {
    void reply.type('text/plain; version=0.0.4; charset=utf-8');
    return exposition(await coordinator.families());
  });
  app.get('/openapi.json', { config }, async () => openApi(manifests()));
  app.get('/docs', { config }, async (_, reply) => {
    // The page loads nothing and runs nothing.
    void reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
    return docsPage(openApi(manifests()));
  });

  const manifests = () =>
    models.list().map(({ name }) => {
      const { ranker, done } = models.use(name);
      done();
      return { name, label: ranker.label, manifest: ranker.manifest };
    });
}
