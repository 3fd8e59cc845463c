/**
 * The service as an OpenAPI 3.1 document. Its routes are those that are registered: @fastify/swagger collects their schemas
 * once. What bodies of rankings hold depends on the models, which change while the service runs, so those schemas are put in
 * at every call.
 */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { VERSION } from '../../base/version.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { TableSet } from '../../features/contract.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { Models } from '../models/models.ts';
import { type JsonSchema, requestSchema, responseSchema } from '../ranker/request-schema.ts';
import { TAGS } from './route.ts';
import { SHARED_SCHEMAS } from './schemas.ts';

export interface Operation {
  summary: string;
  tags: string[];
  security: Record<string, string[]>[];
  parameters?: { name: string; in: 'path'; required: true; schema: JsonSchema }[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<string, { description: string; content: Content }>;
}

type Content = Record<string, { schema: JsonSchema }>;

export interface OpenApi {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: object };
}

/** Collects the routes that are registered from now on. One that is not declared by `route` throws: the server does not start. */
export async function addOpenApi(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (schema?.summary === undefined) throw new Error(`${method} ${url} is not declared (routes/route.ts)`);
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tributary', version: VERSION },
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'Needed where keys are configured.' },
          admin: { type: 'http', scheme: 'bearer', description: 'An admin key.' },
        },
      },
    },
    // Components keep their names.
    refResolver: { buildLocalReference: ({ $id }, _base, _fragment, i) => String($id ?? `def-${i}`) },
  });
  for (const schema of SHARED_SCHEMAS) app.addSchema(schema);
}

/** The document of a server that is ready, with the models that it serves now. */
export function openApi(app: FastifyInstance, models: Models, { unknownFields }: ServingConfig): OpenApi {
  const { info, paths, components, ...routes } = app.swagger() as unknown as OpenApi;
  const served = servedModels(models);
  return {
    ...routes,
    info: {
      ...info,
      description:
        served.length === 0
          ? 'No model is served yet.'
          : `Ranks candidates by ${served.map(({ label }) => label).join(', ')}.`,
    },
    paths: withOptionalBodies(paths),
    components: {
      ...components,
      schemas: {
        ...components.schemas,
        ...ofModels(served, 'RankRequest', ({ manifest, tables }) => requestSchema(manifest, unknownFields, tables)),
        ...ofModels(served, 'RankResponse', ({ manifest }) => responseSchema(manifest)),
      },
    },
  };
}

interface ServedModel {
  name: string;
  label: string;
  manifest: ArtifactManifest;
  /** Of features. */
  tables?: TableSet;
}

const servedModels = (models: Models): ServedModel[] =>
  models.list().map(({ name }) => {
    const { ranker, done } = models.use(name);
    done();
    return { name, label: ranker.label, manifest: ranker.manifest, tables: ranker.tables()?.set };
  });

/** A component for each model, and under `kind` any of them. */
function ofModels(
  served: readonly ServedModel[],
  kind: 'RankRequest' | 'RankResponse',
  schemaOf: (model: ServedModel) => JsonSchema,
): Record<string, JsonSchema> {
  if (served.length === 0) return {};
  const own = served.map((model) => [`${model.name}.${kind}`, schemaOf(model)] as const);
  const anyOf = own.map(([name]) => ({ $ref: `#/components/schemas/${name}` }));
  return { [kind]: { anyOf }, ...Object.fromEntries(own) };
}

/** @fastify/swagger calls every body required. */
function withOptionalBodies(paths: OpenApi['paths']): OpenApi['paths'] {
  const described = ({ requestBody, ...operation }: Operation): Operation => {
    if (requestBody === undefined) return operation;
    const { $ref, required = [] } = requestBody.content['application/json'].schema;
    return { ...operation, requestBody: { ...requestBody, required: $ref !== undefined || required.length > 0 } };
  };
  return Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => [
      path,
      Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method, described(operation)])),
    ]),
  );
}
