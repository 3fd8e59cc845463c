/** What the routes declare, and answers held against it. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { servingSchema } from '../../src/config/serving.ts';
import { createSession } from '../../src/runtime/session.ts';
import { createExperiments } from '../../src/serve/experiments/served.ts';
import { buildServer } from '../../src/serve/http/server.ts';
import { createServerMetrics } from '../../src/serve/metrics/server-metrics.ts';
import { createModels } from '../../src/serve/models/models.ts';
import type { OpenApi } from '../../src/serve/routes/openapi.ts';

/** A server without a model that does not listen. */
export async function emptyServer() {
  const config = servingSchema.parse({ log: { level: 'silent' } });
  const waiting = { rows: 0, limit: 1, onBatch: () => {} };
  const metrics = createServerMetrics();
  const models = createModels({ config, waiting, createSession });
  const app = await buildServer({
    config,
    models,
    experiments: createExperiments({ config, models, waiting }),
    metrics,
    coordinator: {
      change: () => Promise.reject(new Error('nothing is served')),
      changeExperiments: () => Promise.reject(new Error('nothing is served')),
      refresh: () => Promise.reject(new Error('nothing is served')),
      families: async () => metrics.families(0),
    },
    isReady: () => true,
  });
  return {
    app,
    async close() {
      await app.close();
      metrics.close();
    },
  };
}

export interface GivenAnswer {
  status: number;
  contentType: string;
  text: string;
}

export interface Contract {
  document: OpenApi;
  /** Fails where the route does not declare the answer: its status, type and body. Skips paths that reach no route. */
  check(method: string, path: string, answer: GivenAnswer): void;
  /** Fails where the declared body of the route does not have this one, which was answered with 200. */
  checkTaken(method: string, path: string, body: unknown): void;
}

export function contractOf(document: OpenApi): Contract {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(document, 'document');
  const routes = Object.keys(document.paths).map((path) => ({
    path,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]{1,256}')}$`),
  }));
  const routeOf = (url: string): string | undefined =>
    routes.find(({ pattern }) => pattern.test(url.split('?')[0]))?.path;
  const problems = (at: readonly (string | number)[], body: unknown) => {
    const validate = ajv.getSchema(`document#/${at.map(pointerPart).join('/')}`) as ValidateFunction;
    validate(body);
    return validate.errors;
  };
  return {
    document,
    check(method, url, { status, contentType, text }) {
      const path = routeOf(url);
      const name = method.toLowerCase();
      if (path === undefined || document.paths[path][name] === undefined) return;
      const declared = document.paths[path][name].responses[status];
      expect(declared, `${method} ${url} answered ${status}: ${text.slice(0, 300)}`).toBeDefined();
      const isJson = contentType === 'application/json; charset=utf-8';
      const media = isJson ? 'application/json' : contentType;
      expect(Object.keys(declared.content), `${method} ${url}`).toContain(media);
      if (!isJson) return;
      const at = ['paths', path, name, 'responses', status, 'content', media, 'schema'];
      const body: unknown = JSON.parse(text);
      expect(problems(at, body), `${method} ${url} answered ${text.slice(0, 300)}`).toBe(null);
      expect(text).toBe(JSON.stringify(body));
    },
    checkTaken(method, url, body) {
      const at = [
        'paths',
        routeOf(url) ?? '',
        method.toLowerCase(),
        'requestBody',
        'content',
        'application/json',
        'schema',
      ];
      expect(problems(at, body), `${method} ${url} took ${JSON.stringify(body)}`).toBe(null);
    },
  };
}

const pointerPart = (part: string | number): string =>
  encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'));

let shared: Promise<Contract> | undefined;

/** The contract of all routes, whatever is served. */
export function routeContract(): Promise<Contract> {
  shared ??= (async () => {
    const { app, close } = await emptyServer();
    await app.ready();
    const { body } = await app.inject('/openapi.json');
    await close();
    return contractOf(JSON.parse(body));
  })();
  return shared;
}
