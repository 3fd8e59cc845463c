/**
 * The Open Inference Protocol, version 2, over HTTP with JSON tensors:
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import type { FastifyInstance } from 'fastify';
import { error } from '../../base/errors/index.ts';
import { VERSION } from '../../base/version.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { JsonSchema } from '../ranker/request-schema.ts';
import { inferSchema, outputTensors, parseInfer } from '../ranker/tensors.ts';
import type { RouteContext } from './context.ts';
import { type Answer, route } from './route.ts';
import { jsonSchemaOf, ref } from './schemas.ts';

interface Params {
  name: string;
  version?: string;
}

export async function inferenceRoutes(app: FastifyInstance, { models, isReady, events }: RouteContext): Promise<void> {
  const use = ({ name, version }: Params) => {
    // `name@id` is not a name of the protocol: it has versions.
    if (name.includes('@')) throw error('MODEL_NOT_SERVED', { found: name, known: models.list().map((m) => m.name) });
    return models.use(version === undefined ? name : `${name}@${version}`);
  };

  app.get('/v2', SERVER, async () => ({ name: 'tributary', version: VERSION, extensions: [] }));
  app.get('/v2/health/live', LIVE, async () => ({ live: true }));
  app.get('/v2/health/ready', READY, async (_, reply) => {
    if (!isReady()) void reply.code(503);
    return { ready: isReady(), ...(events && { events: events.stopped() === undefined ? 'logged' : 'stopped' }) };
  });

  for (const [path, params] of MODEL_PATHS) {
    app.get<{ Params: Params }>(path, metadata(params), async ({ params }) => {
      const { ranker, done } = use(params);
      done();
      return description(params.name, ranker.manifest);
    });
    app.get<{ Params: Params }>(`${path}/ready`, modelReady(params), async ({ params }, reply) => {
      // An open route must not list the names of other models.
      const unknown = error('MODEL_NOT_SERVED', { found: params.name });
      const { done } = orElse(() => use(params), unknown);
      done();
      if (!isReady()) void reply.code(503);
      return { name: params.name, ready: isReady() };
    });
    app.post<{ Params: Params }>(`${path}/infer`, infer(params), async (request) => {
      const { ranker, done } = use(request.params);
      request.noted.model = ranker.label;
      try {
        const asked = parseInfer(request.body);
        const outputs = await ranker.infer(asked);
        request.noted.items = asked.inputs[0].shape[0];
        return {
          model_name: request.params.name,
          model_version: ranker.manifest.id,
          id: asked.id ?? request.id,
          outputs: outputTensors(outputs, asked),
        };
      } finally {
        done();
      }
    });
  }
}

const tag = 'inference';
const name: JsonSchema = { type: 'string', description: 'Name of the model.' };
const version: JsonSchema = { type: 'string', description: 'Id of the artifact.' };

/** A version is an artifact by its id. */
const MODEL_PATHS: readonly [string, Record<string, JsonSchema>][] = [
  ['/v2/models/:name', { name }],
  ['/v2/models/:name/versions/:version', { name, version }],
];

/** An object with these properties and no others. */
const exactly = (description: string, properties: Record<string, JsonSchema>): Answer => ({
  description,
  type: 'object',
  required: Object.keys(properties),
  additionalProperties: false,
  properties,
});

const SERVER = route({
  access: 'key',
  tag,
  summary: 'Names the server and its version',
  answers: {
    200: exactly('The server', {
      name: { type: 'string' },
      version: { type: 'string' },
      extensions: { type: 'array', items: { type: 'string' } },
    }),
  },
});

const LIVE = route({
  access: 'open',
  tag,
  summary: 'Is the process alive?',
  answers: { 200: exactly('It is', { live: { type: 'boolean' } }) },
});

const ready = { ready: { type: 'boolean' } };

const withEvents = (description: string): Answer => {
  const answer = exactly(description, ready);
  const events = {
    type: 'string',
    enum: ['logged', 'stopped'],
    description: 'Where events are logged. A stopped log does not keep the service from answering.',
  };
  return { ...answer, properties: { ...ready, events } };
};

const READY = route({
  access: 'open',
  tag,
  summary: 'Does the server take requests? 503 while it is being stopped',
  answers: { 200: withEvents('It does'), 503: withEvents('It is being stopped') },
});

const metadata = (params: Record<string, JsonSchema>) =>
  route({
    access: 'key',
    tag,
    summary: 'Describes inputs and outputs of the joint graph',
    params,
    answers: { 200: { ...ref('ModelMetadata'), description: 'Inputs and outputs' } },
    errors: ['MODEL_NOT_SERVED'],
  });

const modelIsReady = { name: { type: 'string' }, ...ready };

const modelReady = (params: Record<string, JsonSchema>) =>
  route({
    access: 'open',
    tag,
    summary: 'Is the model served? 503 while the server is being stopped',
    params,
    answers: { 200: exactly('It is', modelIsReady), 503: exactly('The server is being stopped', modelIsReady) },
    errors: ['MODEL_NOT_SERVED'],
  });

const infer = (params: Record<string, JsonSchema>) =>
  route({
    access: 'key',
    tag,
    summary: 'Runs tensors through the joint graph; outputs are not calibrated',
    params,
    body: jsonSchemaOf(inferSchema),
    answers: { 200: { ...ref('InferResponse'), description: 'The outputs' } },
    errors: [
      'TENSOR_INVALID',
      'SCENARIO_UNKNOWN',
      'ROW_VALUE_INVALID',
      'MODEL_NOT_SERVED',
      'TOO_MANY_ITEMS',
      'ANSWER_TOO_LARGE',
      'SERVER_BUSY',
    ],
  });

/** Returns what `find` returns; throws `otherwise` if it throws. */
function orElse<T>(find: () => T, otherwise: Error): T {
  try {
    return find();
  } catch {
    throw otherwise;
  }
}

const description = (name: string, { id, graphs }: ArtifactManifest): object => {
  const ports = (list: ArtifactManifest['graphs'][number]['inputs']): object[] =>
    list.map((port) => ({
      name: port.name,
      datatype: port.type === 'int32' ? 'INT32' : 'FP32',
      shape: port.shape.map((size) => (size === 'batch' ? -1 : size)),
    }));
  return {
    name,
    versions: [id],
    platform: 'onnx_onnxv1',
    inputs: ports(graphs[0].inputs),
    outputs: ports(graphs[0].outputs),
  };
};
