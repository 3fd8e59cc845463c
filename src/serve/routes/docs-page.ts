/** The OpenAPI document as a page that loads nothing: the routes, then the schemas of bodies. */
import { oneLine } from '../../base/one-line.ts';
import type { JsonSchema } from '../ranker/request-schema.ts';
import type { OpenApi, Operation } from './openapi.ts';

export function docsPage({ info, paths, components }: OpenApi): string {
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => routeRow(method, path, operation)),
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<h3 id="${text(name)}">${text(name)}</h3>\n<table>${propertyRows(schema, 0).join('\n')}</table>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(info.title)}</title>
<style>${STYLE}</style></head><body>
<h1>${text(info.title)} ${text(info.version)}</h1>
<p>${text(info.description)} As a document for programs: <a href="/openapi.json">/openapi.json</a>.</p>
<h2>Routes</h2>
<table><tr><th>route</th><th>what it does</th><th>who may</th></tr>
${routes.join('\n')}</table>
<h2>Bodies</h2>
${schemas.join('\n')}
</body></html>
`;
}

const STYLE =
  'body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}' +
  'table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}' +
  'code{font:13px ui-monospace,monospace}';

function routeRow(method: string, path: string, { summary, security }: Operation): string {
  const [scheme] = security.flatMap(Object.keys);
  const who = scheme === undefined ? 'everybody' : scheme === 'admin' ? 'admin keys' : 'keys, where configured';
  return `<tr><td><code>${method.toUpperCase()} ${text(path)}</code></td><td>${text(summary)}</td><td>${who}</td></tr>`;
}

/** A row for each property, followed by its own properties, indented. */
function propertyRows({ properties = {}, required = [] }: JsonSchema, depth: number): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const inner = schema.type === 'array' && schema.items !== undefined ? schema.items : schema;
    const meaning = [schema.enum?.map((value) => JSON.stringify(value)).join(', '), schema.description];
    return [
      `<tr><td style="padding-left:${depth * 1.5}rem"><code>${text(name)}</code>${required.includes(name) ? ' *' : ''}</td>` +
        `<td><code>${text([schema.type ?? ''].flat().join(' | '))}</code></td><td>${text(meaning.filter(Boolean).join('. '))}</td></tr>`,
      ...propertyRows(inner, depth + 1),
    ];
  });
}

const text = (value: string): string =>
  oneLine(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
