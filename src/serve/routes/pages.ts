/** /metrics, /openapi.json and /docs. */
import type { FastifyInstance } from 'fastify';
import { exposition } from '../metrics/metrics.ts';
import type { RouteContext } from './context.ts';
import { docsPage } from './docs-page.ts';
import { openApi } from './openapi.ts';
import { route } from './route.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const PAGE_TYPE = 'text/html; charset=utf-8';

export async function pageRoutes(app: FastifyInstance, { config, models, coordinator }: RouteContext): Promise<void> {
  app.get('/metrics', METRICS, async (_, reply) => {
    void reply.type(METRICS_TYPE);
    return exposition(await coordinator.families());
  });
  app.get('/openapi.json', DOCUMENT, async () => openApi(app, models, config));
  app.get('/docs', PAGE, async (_, reply) => {
    // The page loads nothing and runs nothing.
    void reply.type(PAGE_TYPE).header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
    return docsPage(openApi(app, models, config));
  });
}

const text = (description: string, type: string) => ({
  description,
  content: { [type]: { schema: { type: 'string' } } },
});

const METRICS = route({
  access: 'key',
  tag: 'service',
  summary: 'Gives metrics of all processes for Prometheus',
  answers: { 200: text('Metrics in the text format of Prometheus', METRICS_TYPE) },
  errors: ['WORKER_SILENT', 'SWAP_FAILED'],
});

const DOCUMENT = route({
  access: 'key',
  tag: 'service',
  summary: 'Gives this document',
  answers: { 200: { type: 'object', description: 'An OpenAPI 3.1 document' } },
});

const PAGE = route({
  access: 'key',
  tag: 'service',
  summary: 'Gives this document as a page',
  answers: { 200: text('A page that loads nothing', PAGE_TYPE) },
});
