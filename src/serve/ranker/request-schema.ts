/** What requests and answers of a model look like, as JSON Schema: the source of /openapi.json, /docs and `tributary types`. */
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';

/** The part of JSON Schema that is used here. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean;
  items?: JsonSchema;
  enum?: readonly string[];
  minimum?: number;
  minItems?: number;
  maxItems?: number;
  maxLength?: number;
  $ref?: string;
}

const SCALAR = ['string', 'number', 'boolean', 'null'];

/** A field's value as a request may give it. */
function fieldSchema(field: ArtifactManifest['data']['fields'][number]): JsonSchema {
  if (field.kind === 'numeric') return { type: ['number', 'string', 'null'], description: 'A number.' };
  if (field.kind === 'categorical') return { type: SCALAR, description: 'A category.' };
  const { separator } = field.config as { separator?: string };
  return {
    type: ['array', ...SCALAR],
    items: { type: SCALAR },
    description: `Up to ${field.slots} categories, as a list or a text with ${JSON.stringify(separator ?? '|')} between them.`,
  };
}

export function requestSchema({ data }: ArtifactManifest): JsonSchema {
  const fields = Object.fromEntries(data.fields.map((field) => [field.name, fieldSchema(field)]));
  const values = (description: string): JsonSchema => ({
    type: 'object',
    description,
    properties: fields,
    additionalProperties: false,
  });
  const user = values('What is known of the user: values by field.');
  const hasIdField = data.fields.some(({ name }) => name === 'id');
  if (data.sequences !== undefined) {
    const list: JsonSchema = {
      type: 'array',
      items: { type: SCALAR },
      description: `Values of ${data.sequences.itemField}, oldest first; the last ${data.sequences.length} count.`,
    };
    user.properties = {
      ...fields,
      sequences: {
        type: 'object',
        description: 'The last items of the user by type.',
        properties: Object.fromEntries(data.sequences.types.map((type) => [type, list])),
        additionalProperties: false,
      },
    };
  }
  return {
    type: 'object',
    required: ['scenario', 'items'],
    additionalProperties: false,
    properties: {
      scenario: { type: 'string', enum: data.scenarios },
      user,
      context: values('What is known of the moment; wins over the user.'),
      items: {
        type: 'array',
        minItems: 1,
        description: 'The candidates. Their own values win over those of user and context.',
        items: {
          type: 'object',
          required: ['id'],
          additionalProperties: false,
          properties: {
            ...fields,
            id: {
              type: ['string', 'number'],
              description:
                'Given back in the answer; never the value of a field. A whole number beyond 2^53 must be a text.',
            },
            ...(hasIdField && {
              fields: values(
                'Values by field, for the field called id. Required unless user or context give that field.',
              ),
            }),
          },
        },
      },
      top_k: { type: 'integer', minimum: 1, description: 'Give only so many items, the best.' },
      explain: { type: 'boolean', description: 'Say what each field contributes.' },
      request_id: { type: 'string', maxLength: 256 },
      model: { type: 'string', description: '`name`, or `name@id` for one artifact and no other.' },
    },
  };
}

export function responseSchema({ data, flows }: ArtifactManifest): JsonSchema {
  const byTask = (description: string): JsonSchema => ({
    type: 'object',
    description,
    required: data.tasks,
    properties: Object.fromEntries(data.tasks.map((task) => [task, { type: 'number' }])),
    additionalProperties: false,
  });
  const contribution = byTask('Logit of the row minus its logit with the field unknown.');
  const parts = [...data.fields.map(({ name }) => name), ...(data.sequences === undefined ? [] : ['sequences'])];
  return {
    type: 'object',
    required: ['request_id', 'model', 'items', 'took_ms'],
    additionalProperties: false,
    properties: {
      request_id: { type: 'string' },
      model: { type: 'string', description: '`name@id` of the artifact that answered.' },
      items: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id', 'score', 'probabilities'],
          additionalProperties: false,
          properties: {
            id: { type: ['string', 'number'] },
            score: { type: 'number' },
            probabilities: byTask('Calibrated probabilities.'),
            explanation: {
              type: 'object',
              required: ['fields'],
              additionalProperties: false,
              properties: {
                fields: {
                  type: 'object',
                  required: parts,
                  additionalProperties: false,
                  properties: Object.fromEntries(parts.map((name) => [name, contribution])),
                },
                ...(flows && {
                  flows: {
                    type: 'object',
                    description: 'Information flows that reach each task for this row.',
                    required: data.tasks,
                    additionalProperties: false,
                    properties: Object.fromEntries(
                      data.tasks.map((task): [string, JsonSchema] => [
                        task,
                        { type: 'array', items: { type: 'string', enum: flows.names } },
                      ]),
                    ),
                  },
                }),
              },
            },
          },
        },
      },
      took_ms: { type: 'number', description: 'Milliseconds from the parsed request to the answer.' },
    },
  };
}

export const ERROR_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['error', 'request_id'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'string', description: 'A name that stays.' },
        message: { type: 'string', description: 'What was found, what was expected, what to do.' },
        details: {
          type: 'object',
          properties: {
            problems: {
              type: 'array',
              items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } },
            },
          },
        },
      },
    },
    request_id: { type: 'string' },
  },
};
