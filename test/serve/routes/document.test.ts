import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, onTestFinished, test } from 'vitest';
import type { Operation } from '../../../src/serve/routes/openapi.ts';
import { contractOf, emptyServer, routeContract } from '../contract.ts';
import { artifact, REQUEST, serving } from '../support.ts';

async function operations(): Promise<[string, Operation][]> {
  const { document } = await routeContract();
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );
}

test('a route that is not declared keeps the server from starting', async () => {
  const { app, close } = await emptyServer();
  onTestFinished(close);
  expect(() => app.get('/undeclared', async () => ({}))).toThrow('/undeclared is not declared');
});

test('every route has a summary, a tag, who may use it, and a described answer for each status', async () => {
  const { document } = await routeContract();
  const tags = document.tags.map(({ name }) => name);
  const all = await operations();
  expect(all.map(([route]) => route)).toContain('post /v2/models/{name}/versions/{version}/infer');
  for (const [route, { summary, tags: own, security, responses, parameters = [] }] of all) {
    expect(summary, route).toMatch(/^[A-Z]/);
    expect(tags, route).toEqual(expect.arrayContaining(own));
    const isAdmin = security.some((scheme) => 'admin' in scheme);
    expect(isAdmin, route).toBe(route.includes('/admin/'));
    const statuses = Object.keys(responses).map(Number);
    expect(statuses, route).toEqual(expect.arrayContaining([200, 500]));
    expect(statuses.includes(401), route).toBe(security.length > 0);
    expect(statuses.includes(403), route).toBe(security.length > 0);
    for (const { description, content } of Object.values(responses)) {
      expect(description, route).not.toBe('Default Response');
      for (const { schema } of Object.values(content)) expect(Object.keys(schema).length, route).toBeGreaterThan(0);
    }
    const inPath = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parameters.map(({ name }) => name)).toEqual(inPath);
  }
});

test('the document is OpenAPI 3.1, without a model, with one and with several', async () => {
  const two = [artifact({ name: 'one', sequences: true }), artifact({ name: 'two' })];
  const client = await serving(two.map(({ folder }) => folder));
  for (const document of [(await routeContract()).document, (await client.ask('/openapi.json')).body]) {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  }
});

test('bodies of rankings are those of the models that are served, after a change of models, too', async () => {
  const client = await serving([artifact().folder]);
  const fieldsNow = async (): Promise<string[]> => {
    const { components } = (await client.ask('/openapi.json')).body;
    expect(components.schemas.RankRequest.anyOf).toEqual([{ $ref: '#/components/schemas/test-model.RankRequest' }]);
    return Object.keys(components.schemas['test-model.RankRequest'].properties.context.properties);
  };
  expect(await fieldsNow()).toEqual(['user', 'age', 'city', 'item', 'tags', 'hour']);
  const { folder } = artifact({ without: ['hour'], seed: 2 });
  expect((await client.admin('/admin/models/test-model/load', { path: folder })).status).toBe(200);
  expect(await fieldsNow()).toEqual(['user', 'age', 'city', 'item', 'tags']);
  expect((await client.admin('/admin/models/test-model/rollback', {})).status).toBe(200);
  expect(await fieldsNow()).toHaveLength(6);
});

test('answers of each model, with explanations and flows, fit its own schema', async () => {
  const client = await serving([artifact({ name: 'one', sequences: true }).folder, artifact({ name: 'two' }).folder]);
  const { document, check, checkTaken } = contractOf((await client.ask('/openapi.json')).body);
  expect(document.components.schemas.RankResponse.anyOf).toHaveLength(2);
  for (const model of ['one', 'two']) {
    const body = { ...REQUEST, model, explain: true, top_k: 1, request_id: 'mine' };
    const { status, headers, text } = await client.ask('/v1/rank', body);
    check('POST', '/v1/rank', { status, contentType: headers.get('content-type') ?? '', text });
    expect(status).toBe(200);
    checkTaken('POST', '/v1/rank', body);
    const alone = structuredClone(document);
    alone.components.schemas.RankResponse = { $ref: `#/components/schemas/${model}.RankResponse` };
    contractOf(alone).check('POST', '/v1/rank', {
      status,
      contentType: headers.get('content-type') ?? '',
      text,
    });
  }
});

test('with unknownFields: ignore the document lets other names pass', async () => {
  const client = await serving([artifact().folder], { unknownFields: 'ignore' });
  const { checkTaken } = contractOf((await client.ask('/openapi.json')).body);
  const body = { ...REQUEST, user: { nothing: 1 } };
  expect((await client.ask('/v1/rank', body)).status).toBe(200);
  checkTaken('POST', '/v1/rank', body);
});

test('the page names every route that there is, and loads nothing', async () => {
  const client = await serving([artifact().folder]);
  const { text, headers } = await client.ask('/docs');
  for (const path of Object.keys((await routeContract()).document.paths)) expect(text).toContain(path);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(text).not.toMatch(/<script|https?:\/\//);
  expect(text).toContain('detail \\&quot;x');
});
