/** Explanations in the studio: pasted requests and those of a log, over HTTP and in a browser. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, launch, NO_BROWSER } from '../pages/browser.ts';
import { NASTY } from '../pages/samples.ts';
import { temporaryFolder } from '../train/support.ts';
import { FIELD, hrefOf, NO_LOG, ofLog, REQUEST, serveResults, visit } from './explained.ts';

const { path: folder, remove } = temporaryFolder();
let served: Awaited<ReturnType<typeof serveResults>> | undefined;
// biome-ignore lint/suspicious/noExplicitAny: answers are looked at by tests
let answered: any;
const address = (path: string): string => served?.address(path) ?? '';

beforeAll(async () => {
  served = await serveResults(folder);
  answered = served.answered;
});
afterAll(async () => {
  await served?.studio.close();
  remove();
});

interface Answer {
  status: number;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: pages are looked at by tests
  page: any;
}

async function ask(path: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(address(path), form && { method: 'POST', body: new URLSearchParams(form), headers });
  const text = await answer.text();
  return { status: answer.status, text, page: JSON.parse(/id="data">(.*)<\/script>/.exec(text)?.[1] ?? 'null') };
}

test('the command holds a log against an artifact, and asks for one', () => {
  const out = join(folder, '.drift.html');
  const report = (...words: string[]) => {
    const command = ['bin/tributary.js', 'report', join(folder, 'events'), '--out', out, ...words];
    return spawnSync(process.execPath, command, { encoding: 'utf8' });
  };
  const refused = report();
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('PAGE_LOG');
  expect(report('--artifact', join(folder, NO_LOG)).status).toBe(0);
  expect(readFileSync(out, 'utf8')).toContain('"kind":"drift"');
});

test('the list has logs and explanations; a log links each request to its explanation', async () => {
  const { page: list } = await ask('/');
  expect(list.entries.map(({ kind }: { kind: string }) => kind).toSorted()).toEqual([
    'artifact',
    'event log',
    'explained request',
    'importance',
  ]);
  const { page: log } = await ask('/view/events');
  expect(log.requests.map(({ id }: { id: string }) => id)).toEqual(NASTY.toReversed());
  expect(log.requests[0]).toMatchObject({ model: answered.model, candidates: 5, first: answered.items[0].id });
  const { page } = await ask(log.requests[4].links[0].href);
  expect(page).toMatchObject({
    kind: 'explanation',
    explanation: { request: { source: 'log', id: NASTY[0] }, recorded: { largest: 0 } },
  });
});

test('a pasted request is explained by the probabilities that a service answers', async () => {
  const { status, page } = await ask(hrefOf('explain'), { request: JSON.stringify(REQUEST) });
  expect(status).toBe(200);
  const { items, explained } = page.explanation;
  expect(items.map(({ item }: { item: string }) => item)).toEqual(answered.items.map(({ id }: { id: string }) => id));
  // Pages have eight digits of each number.
  expect(items[0].tasks[0].probability).toBeCloseTo(answered.items[0].probabilities.click, 7);
  expect(explained[0].fields.map(({ field }: { field: string }) => field).toSorted()).toEqual(
    ['hour', FIELD].toSorted(),
  );
});

test('what cannot be explained stays in the form, with the reason; forms of other sites are refused', async () => {
  const problems: [string, RegExp][] = [
    ['{', /^BODY_NOT_JSON: /],
    ['{"scenario":"nowhere","items":[{"id":1}]}', /^SCENARIO_UNKNOWN: /],
    ['{"scenario":1}', /^REQUEST_INVALID: /],
    ['</textarea><script>alert(1)</script>', /^BODY_NOT_JSON: /],
  ];
  for (const [text, problem] of problems) {
    const { status, page } = await ask(hrefOf('explain'), { request: text });
    expect({ status, page }).toMatchObject({
      status: 400,
      page: { kind: 'ask', text, problem: expect.stringMatching(problem) },
    });
  }
  expect((await ask(ofLog('nobody'))).page).toMatchObject({
    kind: 'ask',
    problem: expect.stringMatching(/^EXPLAIN_NOT_RECORDED/),
  });
  for (const path of ['/explain/events', '/explain/..%2Fresults', ofLog('x', '../events'), ofLog('x', NO_LOG)])
    expect((await ask(path)).text, path).toMatch(/^STUDIO_NOT_LISTED: /);
  for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${(served?.studio.port ?? 0) + 1}`]) {
    const refused = await ask(hrefOf('explain'), { request: '{}' }, { origin });
    expect([refused.status, refused.text], origin).toEqual([403, expect.stringMatching(/^STUDIO_ORIGIN: /)]);
  }
});

describe.skipIf(CHROMIUM === undefined)(CHROMIUM === undefined ? NO_BROWSER : 'in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  test('a request is pasted into the form of an artifact, explained, and the way leads back', async () => {
    const { page, complaints } = await visit(browser, address(hrefOf('view')), 1280, 'light');
    await page.click('text=explain a request');
    await page.fill('textarea', '{');
    await page.click('button');
    await page.getByText('BODY_NOT_JSON').waitFor();
    expect(await page.inputValue('textarea')).toBe('{');
    await page.fill('textarea', JSON.stringify(REQUEST));
    await page.click('button');
    await page.getByText('Why is the first item before the second?').waitFor();
    expect(await page.textContent('.kind')).toBe('One request explained');
    await page.click('text=all results');
    await page.waitForSelector(`a[href="${hrefOf('view')}"]`);
    // The browser names an answer with a problem's status.
    expect(complaints.filter((line) => !line.includes('status of 400'))).toEqual([]);
    await page.context().close();
  });
});
