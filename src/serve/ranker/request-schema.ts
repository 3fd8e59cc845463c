/** Requests and answers of a model as JSON Schema: the source of /openapi.json, /docs and `tributary types`. */
import type { TableSet } from '../../features/contract.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';

/** The part of JSON Schema that is used here. */
export interface JsonSchema {
  $id?: string;
  $ref?: string;
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  enum?: readonly string[];
  allOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  default?: unknown;
  pattern?: string;
  minimum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
}

/** The fields that requests give; rates follow from them. */
export const requestFields = ({
  fields,
}: Pick<ArtifactManifest['data'], 'fields'>): ArtifactManifest['data']['fields'] =>
  fields.filter(({ kind }) => kind !== 'rate');

const SCALAR = ['string', 'number', 'boolean', 'null'];

/** A field's value as a request may give it. */
function fieldSchema(field: ArtifactManifest['data']['fields'][number]): JsonSchema {
  if (field.kind === 'numeric') return { type: SCALAR, description: 'A number; true is 1, false is 0.' };
  if (field.kind === 'categorical') return { type: SCALAR, description: 'A category.' };
  const { separator } = field.config as { separator?: string };
  return {
    type: ['array', ...SCALAR],
    items: { type: SCALAR },
    description: `Up to ${field.slots} categories, as a list or a text with ${JSON.stringify(separator ?? '|')} between them.`,
  };
}

/** A field that is looked up where it is not sent. */
function withTable(schema: JsonSchema, field: string, tables: TableSet | undefined): JsonSchema {
  const found = tables?.tables.find(({ fields, idFields }) => [...fields, ...idFields].includes(field));
  if (found === undefined) return schema;
  return { ...schema, description: `${schema.description} Looked up in the table ${found.name} where it is not sent.` };
}

/** Ids that rows of tables are found by. */
const idSchemas = (of: 'user' | 'item', tables: TableSet | undefined): Record<string, JsonSchema> =>
  Object.fromEntries(
    (tables?.tables ?? [])
      .filter((table) => table.of === of)
      .map(({ sentAs, name }) => [sentAs, { type: SCALAR, description: `Id in the table ${name}.` }]),
  );

/**
 * A request to one model, or to any where `manifest` is left out.
 *
 * @param unknownFields whether names that are no field are refused, as the service is configured
 * @param tables of features, where requests may leave out values
 */
export function requestSchema(
  manifest?: ArtifactManifest,
  unknownFields: 'refuse' | 'ignore' = 'refuse',
  tables?: TableSet,
): JsonSchema {
  const data = manifest?.data;
  const unread: JsonSchema = {
    type: ['array', ...SCALAR],
    items: { type: SCALAR },
    description: 'The model does not read it.',
  };
  const fields = Object.fromEntries([
    ...(data === undefined ? [] : requestFields(data)).map((field) => [
      field.name,
      withTable(fieldSchema(field), field.name, tables),
    ]),
    ...(data?.unreadFields ?? []).map((name) => [name, unread]),
  ]);
  const additionalProperties = data === undefined || unknownFields === 'ignore';
  const values = (description: string): JsonSchema => ({
    type: 'object',
    description,
    properties: { ...idSchemas('user', tables), ...fields },
    additionalProperties,
  });
  const user = values('Values of the user by field.');
  if (data?.sequences !== undefined)
    user.properties = { ...user.properties, sequences: sequencesSchema(data.sequences) };
  const hasIdField = data?.fields.some(({ name }) => name === 'id');
  return {
    type: 'object',
    required: ['scenario', 'items'],
    additionalProperties: false,
    properties: {
      scenario: { type: 'string', ...(data && { enum: data.scenarios }) },
      user,
      context: values('Values of the moment by field. They override those of the user.'),
      items: {
        type: 'array',
        minItems: 1,
        description: 'The candidates. Their values override those of user and context.',
        items: {
          type: 'object',
          required: ['id'],
          additionalProperties,
          properties: {
            ...idSchemas('item', tables),
            ...fields,
            id: {
              type: ['string', 'number'],
              maxLength: 256,
              description:
                'Returned in the answer; never the value of a field. Send a whole number beyond 2^53 as a text.',
            },
            ...(hasIdField && {
              fields: values(
                'Values by field, for the field called id. Required unless user or context give that field.',
              ),
            }),
          },
        },
      },
      top_k: { type: 'integer', minimum: 1, description: 'Return only this many items, the best.' },
      explain: { type: 'boolean', description: 'Return what each field contributes.' },
      request_id: { type: 'string', minLength: 1, maxLength: 256 },
      model: {
        type: 'string',
        minLength: 1,
        maxLength: 256,
        description: '`name`, or `name@id` for exactly one artifact.',
      },
    },
  };
}

const sequencesSchema = ({
  itemField,
  length,
  types,
}: NonNullable<ArtifactManifest['data']['sequences']>): JsonSchema => {
  const list: JsonSchema = {
    type: 'array',
    items: { type: SCALAR },
    description: `Values of ${itemField}, oldest first; the last ${length} count.`,
  };
  return {
    type: 'object',
    description: 'The last items of the user by type.',
    properties: Object.fromEntries(types.map((type) => [type, list])),
    additionalProperties: false,
  };
};

/** An answer of one model, or of any where `manifest` is left out. */
export function responseSchema(manifest?: ArtifactManifest): JsonSchema {
  const tasks = manifest?.data.tasks;
  /** An object with a value for each task. */
  const byTask = (value: JsonSchema, description?: string): JsonSchema => ({
    type: 'object',
    ...(description && { description }),
    ...named(tasks, value),
  });
  const contribution = byTask({ type: 'number' }, 'Logit of the row minus its logit with the field unknown.');
  const sequences = manifest?.data.sequences === undefined ? [] : ['sequences'];
  const parts = manifest && [...manifest.data.fields.map(({ name }) => name), ...sequences];
  const flows = manifest === undefined ? { names: undefined } : manifest.flows;
  const flowNames: JsonSchema = {
    type: 'array',
    items: { type: 'string', ...(flows?.names && { enum: flows.names }) },
  };
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
            probabilities: byTask({ type: 'number' }, 'Calibrated probabilities.'),
            explanation: {
              type: 'object',
              required: ['fields'],
              additionalProperties: false,
              properties: {
                fields: { type: 'object', ...named(parts, contribution) },
                ...(flows && {
                  flows: byTask(flowNames, 'Information flows that reach each task for this row.'),
                }),
              },
            },
            team: {
              type: 'string',
              description:
                'The arm whose ranking it was taken from, where several were interleaved; absent where all have it at the same place, and all items above.',
            },
          },
        },
      },
      took_ms: { type: 'number', description: 'Milliseconds from the parsed request to the answer.' },
      experiments: {
        type: 'array',
        description: 'Those that the request took part in.',
        items: {
          type: 'object',
          required: ['key', 'arm', 'bucket_version'],
          additionalProperties: false,
          properties: {
            key: { type: 'string' },
            arm: { type: 'string' },
            bucket_version: { type: 'integer' },
            failed: {
              type: 'string',
              description: 'The model of the arm failed with this code, and the control answered.',
            },
          },
        },
      },
    },
  };
}

/** A property of each name, all required and no other; of any name where the names are not known. */
const named = (names: string[] | undefined, value: JsonSchema): JsonSchema =>
  names === undefined
    ? { additionalProperties: value }
    : {
        required: names,
        properties: Object.fromEntries(names.map((name) => [name, value])),
        additionalProperties: false,
      };
