/** Schemas that several routes share: components of the document, by `$id`. */
import { z } from 'zod';
import { experimentsSchema } from '../../config/experiments.ts';
import { type JsonSchema, requestSchema, responseSchema } from '../ranker/request-schema.ts';

const PROBLEMS: JsonSchema = {
  type: 'array',
  description: 'The first mistakes of a request, by their paths; those of an artifact as texts.',
  items: {
    anyOf: [
      {
        type: 'object',
        required: ['path', 'message'],
        additionalProperties: false,
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
      { type: 'string' },
    ],
  },
};

const CODE: JsonSchema = { type: 'string', description: 'A name that stays.' };
const MESSAGE: JsonSchema = { type: 'string', description: 'What was found, what was expected, what to do.' };

const ERROR: JsonSchema = {
  $id: 'Error',
  type: 'object',
  required: ['error', 'request_id'],
  additionalProperties: false,
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      additionalProperties: false,
      properties: {
        code: CODE,
        message: MESSAGE,
        details: {
          type: 'object',
          required: ['problems'],
          additionalProperties: false,
          properties: { problems: PROBLEMS },
        },
      },
    },
    request_id: { type: 'string' },
  },
};

const INFERENCE_ERROR: JsonSchema = {
  $id: 'InferenceError',
  type: 'object',
  description: 'An error as the Open Inference Protocol has it: its message in `error`.',
  required: ['error', 'code', 'request_id'],
  additionalProperties: false,
  properties: { error: MESSAGE, code: CODE, request_id: { type: 'string' } },
};

const FLAG_ERROR: JsonSchema = {
  $id: 'FlagError',
  type: 'object',
  description: 'An error as the OpenFeature Remote Evaluation Protocol has it.',
  required: ['errorCode', 'errorDetails', 'code', 'request_id'],
  additionalProperties: false,
  properties: {
    key: { type: 'string', description: 'The flag that was asked for.' },
    errorCode: { type: 'string', description: "The protocol's word for the code." },
    errorDetails: MESSAGE,
    code: CODE,
    request_id: { type: 'string' },
  },
};

const ARTIFACT: JsonSchema = {
  type: 'object',
  required: ['id', 'path', 'created'],
  additionalProperties: false,
  properties: {
    id: { type: 'string' },
    path: { type: 'string', description: 'The folder that it was loaded from, on the server.' },
    created: { type: 'string', description: 'When the artifact was made.' },
  },
};

const MODEL_STATE: JsonSchema = {
  $id: 'ModelState',
  type: 'object',
  required: ['name', 'current'],
  additionalProperties: false,
  properties: {
    name: { type: 'string' },
    current: ARTIFACT,
    previous: { ...ARTIFACT, description: 'What a rollback goes back to.' },
  },
};

const names = (description: string): JsonSchema => ({ type: 'array', description, items: { type: 'string' } });
const addedAndRemoved = { added: names('Only in the new artifact.'), removed: names('Only in the old artifact.') };
const share = (description: string): JsonSchema => ({ type: 'number', description });

const CHANGED: JsonSchema = {
  $id: 'Changed',
  type: 'object',
  required: ['model', 'warnings', 'took_ms'],
  additionalProperties: false,
  properties: {
    model: { $ref: 'ModelState#' },
    changes: {
      type: 'object',
      description: 'How the artifact differs from the one that it replaces.',
      required: ['fields', 'scenarios', 'tasks', 'sequences'],
      additionalProperties: false,
      properties: {
        fields: {
          type: 'object',
          required: ['added', 'removed', 'changed'],
          additionalProperties: false,
          properties: { ...addedAndRemoved, changed: names('Of another kind or with another number of values.') },
        },
        scenarios: {
          type: 'object',
          required: ['added', 'removed'],
          additionalProperties: false,
          properties: addedAndRemoved,
        },
        tasks: {
          type: 'object',
          required: ['added', 'removed'],
          additionalProperties: false,
          properties: addedAndRemoved,
        },
        sequences: { type: 'string', enum: ['same', 'added', 'removed', 'changed'] },
      },
    },
    recorded: {
      type: 'object',
      description: 'How recorded requests fare with the artifact.',
      required: ['requests', 'failing', 'out_of_vocabulary'],
      additionalProperties: false,
      properties: {
        requests: { type: 'integer' },
        failing: { type: 'integer' },
        out_of_vocabulary: {
          type: 'array',
          description: 'Fields of which more values have no id of their own than before.',
          items: {
            type: 'object',
            required: ['field', 'before', 'after'],
            additionalProperties: false,
            properties: {
              field: { type: 'string' },
              before: share('Share of the values with the old artifact.'),
              after: share('Share of the values with the new artifact.'),
            },
          },
        },
      },
    },
    warnings: names('What to look at before the change is left in place.'),
    took_ms: { type: 'number' },
  },
};

const EXPERIMENTS: JsonSchema = {
  $id: 'Experiments',
  type: 'object',
  required: ['revision', 'experiments', 'warnings'],
  additionalProperties: false,
  properties: {
    revision: { type: 'integer', description: 'One more with each change.' },
    experiments: jsonSchemaOf(experimentsSchema),
    warnings: names('What to look at.'),
    took_ms: { type: 'number', description: 'Of a change.' },
  },
};

const PORTS: JsonSchema = {
  type: 'array',
  items: {
    type: 'object',
    required: ['name', 'datatype', 'shape'],
    additionalProperties: false,
    properties: {
      name: { type: 'string' },
      datatype: { type: 'string', enum: ['INT32', 'FP32'] },
      shape: { type: 'array', items: { type: 'integer' }, description: '-1 stands for the number of rows.' },
    },
  },
};

const MODEL_METADATA: JsonSchema = {
  $id: 'ModelMetadata',
  type: 'object',
  required: ['name', 'versions', 'platform', 'inputs', 'outputs'],
  additionalProperties: false,
  properties: {
    name: { type: 'string' },
    versions: { type: 'array', items: { type: 'string' }, description: 'The id of the artifact.' },
    platform: { type: 'string' },
    inputs: PORTS,
    outputs: PORTS,
  },
};

const INFER_RESPONSE: JsonSchema = {
  $id: 'InferResponse',
  type: 'object',
  required: ['model_name', 'model_version', 'id', 'outputs'],
  additionalProperties: false,
  properties: {
    model_name: { type: 'string' },
    model_version: { type: 'string' },
    id: { type: 'string' },
    outputs: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'datatype', 'shape', 'data'],
        additionalProperties: false,
        properties: {
          name: { type: 'string' },
          datatype: { type: 'string', enum: ['INT32', 'FP32'] },
          shape: { type: 'array', items: { type: 'integer' } },
          data: { type: 'array', items: { type: 'number' }, description: 'Row after row.' },
        },
      },
    },
  },
};

/** `RankRequest` and `RankResponse` are those of any model here; the document has those of the models served. */
export const SHARED_SCHEMAS: readonly JsonSchema[] = [
  { $id: 'RankRequest', ...requestSchema() },
  { $id: 'RankResponse', ...responseSchema() },
  INFER_RESPONSE,
  MODEL_METADATA,
  MODEL_STATE,
  CHANGED,
  EXPERIMENTS,
  ERROR,
  INFERENCE_ERROR,
  FLAG_ERROR,
];

/** A shared schema, by its `$id`. */
export const ref = (name: string): JsonSchema => ({ $ref: `${name}#` });

/** What a parser takes, as the document describes it. */
export function jsonSchemaOf(parser: z.ZodType): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(parser, { io: 'input', unrepresentable: 'any' });
  return schema as JsonSchema;
}
