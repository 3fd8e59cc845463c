/** A page as one HTML file: the script, its data and the style inside, and a policy that forbids everything else. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { error } from '../base/errors/index.ts';
import { readText } from '../base/files.ts';
import { oneLine } from '../base/one-line.ts';
import type { Page } from './page.ts';

/** What `npm run build` made of the browser's part of this room. */
interface Bundle {
  script: string;
  style: string;
}

/** Larger pages open slowly, and mail servers refuse them. */
const MAX_BYTES = 1_500_000;

/** Larger data are compressed. */
const PLAIN_BYTES = 500_000;

/**
 * @throws PAGE_TOO_LARGE
 * @param live address of a stream of server-sent events, each a new state of this page; the page then may connect to its own server
 */
export function pageHtml(page: Page, { live, bundle = readBundle() }: { live?: string; bundle?: Bundle } = {}): string {
  const { script, style } = bundle;
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    // Charts write styles of their own.
    "style-src 'unsafe-inline'",
    'img-src data:',
    ...(live === undefined ? [] : ["connect-src 'self'"]),
    "base-uri 'none'",
    // Studio has a form.
    `form-action ${page.kind === 'ask' ? "'self'" : "'none'"}`,
  ].join('; ');
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="${referrerPolicy(page)}">
${live === undefined ? '' : `<meta name="tributary-live" content="${escaped(live)}">\n`}<title>${escaped(oneLine(page.title))} - Tributary</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<noscript>This page draws its charts and tables by a script inside it. Allow scripts to read it.</noscript>
<div id="page"></div>
${dataElement(page)}
<script type="module">${script}</script>
</body>
</html>
`;
  const bytes = Buffer.byteLength(html);
  if (bytes > MAX_BYTES) throw error('PAGE_TOO_LARGE', { title: page.title, bytes, limit: MAX_BYTES });
  return html;
}

/** A form without a referrer has no origin, and studio would take it for one of another site. */
export const referrerPolicy = ({ kind }: Page): string => (kind === 'ask' ? 'same-origin' : 'no-referrer');

/** Nothing in the data can end the element that they stand in. */
function dataElement(page: Page): string {
  const json = JSON.stringify(page, (_, value) => (typeof value === 'number' ? short(value) : value));
  if (json.length > PLAIN_BYTES)
    return `<script type="text/plain" id="data" data-encoding="gzip">${gzipSync(json).toString('base64')}</script>`;
  return `<script type="application/json" id="data">${json.replaceAll('<', '\\u003c')}</script>`;
}

/** Eight significant digits: more than a page shows, and half the bytes. */
const short = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(8)));

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** @throws FILE_MISSING in a clone that was never built */
function readBundle(): Bundle {
  const read = (name: string): string =>
    readText(
      fileURLToPath(new URL(`../../dist/pages/${name}`, import.meta.url)),
      'the script of pages (npm run build)',
    );
  return { script: read('bundle.js'), style: read('bundle.css') };
}
