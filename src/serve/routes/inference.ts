/**
 * The Open Inference Protocol, version 2, over HTTP with JSON tensors:
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
import type { FastifyInstance } from 'fastify';
import { error } from '../../base/errors/index.ts';
import { VERSION } from '../../base/version.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { outputTensors, parseInfer } from '../ranker/tensors.ts';
import type { RouteContext } from './context.ts';

interface Params {
  name: string;
  version?: string;
}

export function inferenceRoutes(app: FastifyInstance, { models, isReady }: RouteContext): void {
  const open = { config: { access: 'open' as const } };
  const keyed = { config: { access: 'key' as const } };
  const use = ({ name, version }: Params) => {
    // `name@id` is this program's own spelling of a version.
    if (name.includes('@')) throw error('MODEL_NOT_SERVED', { found: name, known: models.list().map((m) => m.name) });
    return models.use(version === undefined ? name : `${name}@${version}`);
  };

  app.get('/v2', keyed, async () => ({ name: 'tributary', version: VERSION, extensions: [] }));
  app.get('/v2/health/live', open, async () => ({ live: true }));
  app.get('/v2/health/ready', open, async (_, reply) => {
    if (!isReady()) void reply.code(503);
    return { ready: isReady() };
  });

  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<{ Params: Params }>(path, keyed, async ({ params }) => {
      const { ranker, done } = use(params);
      done();
      return description(params.name, ranker.manifest);
    });
    app.get<{ Params: Params }>(`${path}/ready`, open, async ({ params }, reply) => {
      // Everybody may ask: names of other models are for those with a key.
      const unknown = error('MODEL_NOT_SERVED', { found: params.name });
      const { done } = orElse(() => use(params), unknown);
      done();
      if (!isReady()) void reply.code(503);
      return { name: params.name, ready: isReady() };
    });
    app.post<{ Params: Params }>(`${path}/infer`, keyed, async (request) => {
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

/** What `find` finds, or `otherwise` thrown. */
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
