/** The service as an OpenAPI 3.1 document: its routes, and the bodies of every model that is served. */

import { VERSION } from '../../base/version.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { ERROR_SCHEMA, type JsonSchema, requestSchema, responseSchema } from '../ranker/request-schema.ts';

export interface ServedModel {
  name: string;
  label: string;
  manifest: ArtifactManifest;
}

export interface Operation {
  summary: string;
  security?: object[];
  parameters?: object[];
  requestBody?: { required: true; content: Content };
  responses: Record<string, { description: string; content?: Content }>;
}

type Content = Record<string, { schema: JsonSchema | { oneOf: JsonSchema[] } }>;

export interface OpenApi {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: object };
}

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Content[string]['schema']): Content => ({ 'application/json': { schema } });

export function openApi(models: readonly ServedModel[]): OpenApi {
  const schemas: Record<string, JsonSchema> = { Error: ERROR_SCHEMA };
  for (const { name, manifest } of models) {
    schemas[`${name}.RankRequest`] = requestSchema(manifest);
    schemas[`${name}.RankResponse`] = responseSchema(manifest);
  }
  const ofModels = (kind: string) => ({ oneOf: models.map(({ name }) => ref(`${name}.${kind}`)) });
  const ranking = (summary: string): Record<string, Operation> => ({
    post: operation(summary, { body: json(ofModels('RankRequest')), answer: json(ofModels('RankResponse')) }),
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tributary',
      version: VERSION,
      description: `Ranks candidates by ${models.map(({ label }) => label).join(', ') || 'no model yet'}.`,
    },
    paths: {
      '/v1/rank': ranking('Candidates by falling score'),
      '/v1/score': ranking('The same, in the order given'),
      '/v2': { get: operation('Name and version of the server') },
      '/v2/health/live': { get: operation('Is the process alive?', { open: true }) },
      '/v2/health/ready': { get: operation('Does it take requests? 503 while it is being stopped', { open: true }) },
      '/v2/models/{name}': { get: operation('Inputs and outputs of the joint graph', { name: true }) },
      '/v2/models/{name}/ready': { get: operation('Is the model served?', { name: true, open: true }) },
      '/v2/models/{name}/infer': {
        post: operation('Tensors through the joint graph, not calibrated (Open Inference Protocol v2)', {
          name: true,
          body: json({ type: 'object' }),
        }),
      },
      '/metrics': { get: operation('Numbers for Prometheus') },
      '/openapi.json': { get: operation('This document') },
      '/docs': { get: operation('This document as a page') },
      '/admin/models': { get: operation('What is served', { admin: true }) },
      '/admin/models/{name}/load': {
        post: operation('Verify and warm an artifact, then serve it in place of the one of this name', {
          name: true,
          admin: true,
          body: json({
            type: 'object',
            required: ['path'],
            properties: {
              path: { type: 'string', description: 'Folder of the artifact, on the server.' },
              force: { type: 'boolean', description: 'Also where recorded requests fail with it.' },
            },
            additionalProperties: false,
          }),
        }),
      },
      '/admin/models/{name}/rollback': {
        post: operation('Serve the artifact before this one again', { name: true, admin: true }),
      },
    },
    components: {
      schemas,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer' },
        admin: { type: 'http', scheme: 'bearer', description: 'An admin key.' },
      },
    },
  };
}

interface Details {
  body?: Content;
  answer?: Content;
  /** Has the path a model's name? */
  name?: boolean;
  open?: boolean;
  admin?: boolean;
}

const operation = (summary: string, { body, answer, name, open, admin }: Details = {}): Operation => ({
  summary,
  ...(!open && { security: [{ [admin ? 'admin' : 'key']: [] }] }),
  ...(name && { parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }] }),
  ...(body && { requestBody: { required: true, content: body } }),
  responses: {
    200: { description: 'Done', ...(answer && { content: answer }) },
    default: { description: 'A mistake, named by its code', content: json(ref('Error')) },
  },
});
