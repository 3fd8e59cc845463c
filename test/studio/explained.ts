/** A folder of results with an artifact, a log of answers of it, and documents, with names that would be more than text; served by a studio. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { startService } from '../../src/serve/processes/service.ts';
import { startStudio } from '../../src/studio/server.ts';
import { explanation, importance, NASTY } from '../pages/samples.ts';
import { writeTestArtifact } from '../serve/artifacts.ts';

export const FIELD = 'note';
const LONG = `${'n'.repeat(180)} <b>&`;
export const REQUEST = {
  scenario: NASTY[0],
  user: {},
  items: NASTY.map((id, i) => ({ id, [FIELD]: NASTY[(i + 1) % 5] })),
};

/** The artifact, by a door of the studio. */
export const hrefOf = (door: string): string => `/${door}/${encodeURIComponent(LONG)}`;
export const ofLog = (id: string, log = 'events'): string => `${hrefOf('explain')}?${new URLSearchParams({ log, id })}`;
/** No log of the folder. */
export const NO_LOG = LONG;

export async function serveResults(folder: string) {
  const at = (name: string): string => join(folder, name);
  writeTestArtifact({
    folder: at(LONG),
    data: {
      scenarios: NASTY.slice(0, 2),
      tasks: ['click', 'purchase'],
      fields: [
        { config: { name: FIELD, kind: 'categorical' }, tokens: [...NASTY] },
        { config: { name: 'hour', kind: 'categorical' }, tokens: ['1', '2'] },
      ],
    },
  });
  mkdirSync(at('documents'));
  writeFileSync(
    at(`documents/${NASTY[2].replaceAll('/', '')}.json`),
    JSON.stringify(explanation([NASTY[0]], ['a', 'b'])),
  );
  writeFileSync(at(`documents/${NASTY[3]}.json`), JSON.stringify(importance([NASTY[0]], ['a', 'b'])));
  const service = await startService({
    artifacts: [{ path: at(LONG) }],
    config: {
      port: 0,
      ownThread: false,
      log: { level: 'silent' },
      events: { folder: at('events'), unshown: 9, sync: 'always' },
    },
  });
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at by tests
  let answered: any;
  for (const request_id of NASTY) {
    const answer = await fetch(`http://127.0.0.1:${service.port}/v1/rank`, {
      method: 'POST',
      body: JSON.stringify({ ...REQUEST, request_id }),
      headers: { 'content-type': 'application/json' },
    });
    answered = await answer.json();
  }
  await service.close();
  const studio = await startStudio(folder, { port: 0 });
  return { studio, answered, address: (path: string): string => `http://127.0.0.1:${studio.port}${path}` };
}

export async function visit(browser: Browser, address: string, width: number, colorScheme: 'light' | 'dark') {
  const page = await (await browser.newContext({ viewport: { width, height: 900 }, colorScheme })).newPage();
  const complaints: string[] = [];
  page.on('console', (line) => complaints.push(`console: ${line.text()}`));
  page.on('pageerror', (cause) => complaints.push(`exception: ${cause.message}`));
  await page.goto(address);
  await page.waitForSelector('html[data-ready]');
  return { page, complaints };
}
