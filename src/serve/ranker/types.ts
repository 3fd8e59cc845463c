/** TypeScript types of a model's requests and answers, printed from their schemas. */
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { type JsonSchema, requestSchema, responseSchema } from './request-schema.ts';

/** The source text of a module. */
export function typesOf(manifest: ArtifactManifest): string {
  return [
    `// Requests and answers of ${manifest.name}@${manifest.id}, printed by \`tributary types\`.`,
    '',
    `export type RankRequest = ${typeText(requestSchema(manifest))};`,
    '',
    `export type RankResponse = ${typeText(responseSchema(manifest))};`,
    '',
  ].join('\n');
}

const NAMES: Record<string, string> = { integer: 'number' };

function typeText(schema: JsonSchema, indent = ''): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const types = [schema.type ?? 'unknown'].flat();
  return types
    .map((type) => {
      if (type === 'array') return listText(typeText(schema.items ?? {}, indent));
      return type === 'object' ? objectText(schema, indent) : (NAMES[type] ?? type);
    })
    .join(' | ');
}

const listText = (item: string): string => (item.includes('|') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`);

function objectText({ properties = {}, required = [] }: JsonSchema, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).flatMap(([name, schema]) => [
    ...(schema.description === undefined ? [] : [`${inner}/** ${schema.description.replaceAll('*/', '* /')} */`]),
    `${inner}${propertyName(name)}${required.includes(name) ? '' : '?'}: ${typeText(schema, inner)};`,
  ]);
  return `{\n${lines.join('\n')}\n${indent}}`;
}

const propertyName = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
