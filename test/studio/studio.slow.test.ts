/** The studio over a folder of runs: who may look, and what a browser sees while one is trained and another removed. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Studio, startStudio } from '../../src/studio/server.ts';
import { CHROMIUM, launch, NO_BROWSER } from '../pages/browser.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';

const { path: folder, remove } = temporaryFolder();
const at = (name: string): string => join(folder, name);
const RUNS = 50;
let studio: Studio;

beforeAll(async () => {
  const data = await prepareSmall(folder, 1500);
  mkdirSync(at('runs'));
  await trainWithStops(await makeRun(at('runs/run-0'), data, { model: { key: 'mmoe', embeddingDim: 4 } }));
  for (let i = 1; i < RUNS; i++) cpSync(at('runs/run-0'), at(`runs/run-${i}`), { recursive: true });
  studio = await startStudio(at('runs'), { port: 0 });
});
afterAll(async () => {
  await studio.close();
  remove();
});

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

/** fetch does not send a Host header of its own. */
const ask = (path: string, { port = studio.port, ...options }: RequestOptions = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });

const dataOf = (html: string) => JSON.parse(/id="data">(.*)<\/script>/.exec(html)?.[1] ?? 'null');

test('a list of all runs, and the page of each', async () => {
  const list = dataOf((await ask('/')).body);
  expect(list).toMatchObject({
    kind: 'folder',
    findings: [`${RUNS} results, ${RUNS} of them runs; nothing is being trained.`],
  });
  expect(list.entries).toHaveLength(RUNS);
  const { body, headers } = await ask(list.entries[7].href);
  expect(dataOf(body)).toMatchObject({ kind: 'run', title: expect.stringMatching(/ on small$/) });
  expect(body).toContain(`connect-src 'self'`);
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
  });
});

test('other names of this machine, other methods and other files are refused', async () => {
  for (const host of ['evil.example', 'localhost.evil.example:80', '10.0.0.1'])
    expect(await ask('/', { headers: { host } }), host).toMatchObject({ status: 403 });
  for (const host of ['localhost', `LOCALHOST:${studio.port}`, '127.0.0.1:1', '[::1]:80'])
    expect(await ask('/', { headers: { host } }), host).toMatchObject({ status: 200 });
  for (const method of ['POST', 'PUT', 'DELETE'])
    expect(await ask('/', { method }), method).toMatchObject({ status: 404 });
  symlinkSync(at('data'), at('runs/outside'));
  const elsewhere = [
    '../data',
    '..%2Fdata',
    '%2e%2e/data',
    'outside',
    'run-0/run.json',
    'run-99',
    '<b>',
    '/etc/passwd',
  ];
  for (const name of elsewhere) {
    const { status, body, headers } = await ask(`/view/${name}`);
    expect(status, name).toBe(404);
    if (body.startsWith('STUDIO_NOT_LISTED')) expect(headers['content-type'], name).toMatch(/^text\/plain/);
    expect((await ask(`/live/${name}`)).status, name).toBe(404);
  }
  rmSync(at('runs/outside'));
});

test('another host needs a token, which goes from the address into a cookie', async () => {
  await expect(startStudio(at('runs'), { host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'STUDIO_EXPOSED' });
  await expect(startStudio('package.json', { port: 0 })).rejects.toMatchObject({ code: 'STUDIO_FILE' });
  await expect(startStudio(at('none'), { port: 0 })).rejects.toMatchObject({ code: 'FILE_MISSING' });
  await expect(startStudio(at('runs'), { port: studio.port })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  await using open = await startStudio(at('runs'), { host: '0.0.0.0', port: 0, token: 's3cret' });
  const { port } = open;
  expect((await ask('/', { port })).body).toMatch(/^STUDIO_TOKEN: a token is needed/);
  expect(await ask('/?token=wrong', { port })).toMatchObject({
    status: 401,
    body: expect.stringMatching(/^STUDIO_TOKEN/),
  });
  expect(await ask('/live', { port })).toMatchObject({ status: 401 });
  const given = await ask('/?token=s3cret', { port });
  expect(given).toMatchObject({ status: 303, headers: { location: '/' } });
  const [cookie] = given.headers['set-cookie'] ?? [];
  expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
  expect(await ask('/', { port, headers: { cookie: cookie.split(';')[0] } })).toMatchObject({ status: 200 });
  expect(await ask('/', { port, headers: { authorization: 'Bearer s3cret', host: 'studio.example' } })).toMatchObject({
    status: 200,
  });
  expect(await ask('/', { headers: { host: 'evil.example' } })).toMatchObject({
    body: expect.stringMatching(/^STUDIO_HOST/),
  });
});

test('what is no result, or cannot be read, breaks nothing', async () => {
  mkdirSync(at('runs/broken'));
  writeFileSync(at('runs/broken/run.json'), 'no JSON');
  mkdirSync(at('runs/empty/deeper'), { recursive: true });
  writeFileSync(at('runs/empty/deeper/fields.json'), '{"schema":"importance/1"}');
  writeFileSync(at('runs/empty/notes.json'), '{"schema":"other/1"}');
  const list = dataOf((await ask('/')).body);
  expect(list.entries).toHaveLength(RUNS + 2);
  expect(list.entries.find(({ name }: { name: string }) => name === 'broken').state).toMatch(/^not readable/);
  expect((await ask('/view/broken')).body).toMatch(/^[A-Z_]+: /);
  expect(list.entries.find((one: { kind: string }) => one.kind === 'importance').name).toBe('empty/deeper/fields.json');
  for (const name of ['broken', 'empty']) rmSync(at(`runs/${name}`), { recursive: true });
});

describe.skipIf(CHROMIUM === undefined)(CHROMIUM === undefined ? NO_BROWSER : 'in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  async function visit(path: string) {
    const page = await (await browser.newContext()).newPage();
    const complaints: string[] = [];
    page.on('console', (line) => complaints.push(`console: ${line.text()}`));
    page.on('pageerror', (cause) => complaints.push(`exception: ${cause.message}`));
    await page.goto(`http://127.0.0.1:${studio.port}${path}`);
    await page.waitForSelector('html[data-ready]');
    return { page, complaints };
  }

  test('an epoch is on the page of its run, and in the list, within a second of its event', async () => {
    const list = await visit('/');
    const run = at('runs/watched');
    // More epochs than pass while the browser opens the page.
    const sets = ['train.maxEpochs=20', 'train.patience=20', 'train.batchSize=16'].flatMap((entry) => ['--set', entry]);
    const words = ['train', '--data', at('data'), '--model', 'mmoe', '--out', run, '--json', ...sets];
    const child = spawn(process.execPath, ['bin/tributary.js', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    const events: number[] = [];
    let page: Awaited<ReturnType<typeof visit>> | undefined;
    const opening: Promise<void>[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { event } = JSON.parse(line) as { event: string };
      if (event === 'epoch') events.push(Date.now());
      if (event === 'start')
        opening.push(
          visit('/view/watched').then(async (opened) => {
            page = opened;
            await opened.page.evaluate(recordArrivals);
          }),
        );
    });
    expect(await new Promise((done) => child.on('exit', done))).toBe(0);
    await Promise.all(opening);
    await page?.page.getByText('on the test rows').first().waitFor();
    const seen = (await page?.page.evaluate('window.arrivals')) as (number | null)[];
    expect(seen).toHaveLength(events.length);
    const delays = events
      .flatMap((time, i) => (typeof seen[i] === 'number' ? [seen[i] - time] : []))
      .toSorted((a, b) => a - b);
    expect(delays.length).toBeGreaterThan(2);
    console.info(`an epoch is on the page after ${delays.join(', ')} ms`);
    expect(delays[Math.floor(delays.length / 2)]).toBeLessThan(1000);
    await list.page.waitForSelector('a[href="/view/watched"]');
    expect(page?.complaints).toEqual([]);
    expect(list.complaints).toEqual([]);
    await page?.page.context().close();
    await list.page.context().close();
  });

  test('a run that is removed keeps its last state on its page, and leaves the list', async () => {
    const [list, { page, complaints }] = [await visit('/'), await visit('/view/run-3')];
    rmSync(at('runs/run-3'), { recursive: true });
    await page.getByText('This cannot be read any more').waitFor();
    expect(await page.textContent('h1')).toMatch(/ on small$/);
    await list.page.locator('a[href="/view/run-3"]').waitFor({ state: 'detached' });
    expect(await list.page.locator('table a').count()).toBeGreaterThan(RUNS - 2);
    expect([complaints, list.complaints]).toEqual([[], []]);
  });
});

/** Runs in the page: notes when the figures of each epoch appear; those that are there already count as unknown. */
const recordArrivals = `
  const arrivals = (window.arrivals = []);
  const look = (time) => {
    while (document.querySelector('[data-cy="/epochs/' + arrivals.length + '/monitor"]')) arrivals.push(time);
  };
  look(null);
  new MutationObserver(() => look(Date.now())).observe(document.body, { childList: true, subtree: true });
`;
