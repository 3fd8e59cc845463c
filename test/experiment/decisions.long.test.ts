/** Whole experiments by planted logs, ten seeds each: how often is the decision right? Printed for docs/experiments.md. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { segmentLog } from '../../src/events/segments/folder.ts';
import { reportExperiment } from '../../src/experiment/report.ts';
import { temporaryFolder } from '../serve/support.ts';
import { configured, type Planted, plantedEvents, writeLog } from './logs.ts';

const SEEDS = 10;
const config = configured({
  metrics: {
    success: [{ metric: 'click', margin: '8%' }],
    guardrails: [
      { metric: 'buy per unit', margin: '30%' },
      { metric: 'error_rate', margin: 0.01 },
    ],
  },
});

async function decisions(planted: Partial<Planted>): Promise<string[]> {
  const found: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const events = plantedEvents({ config, seed, units: 3000, days: 2, before: 2, answers: 3, buy: 0.4, ...planted });
    const log = segmentLog(writeLog(join(temporaryFolder(), 'log'), events));
    const { treatments } = await reportExperiment(log, { key: 'flows', config });
    found.push(treatments[0].decision);
    console.log(`seed ${seed}: ${treatments[0].sentence}`);
  }
  return found;
}

test.each<[string, Partial<Planted>, string[], number]>([
  ['a better arm', { click: (arm) => (arm === 'treatment' ? 0.24 : 0.2) }, ['ship'], 9],
  ['a worse arm', { click: (arm) => (arm === 'treatment' ? 0.16 : 0.2) }, ['roll back'], 9],
  ['an equal arm', {}, ['go on', 'no difference'], 9],
  ['an arm that loses 2 % of its units', { lose: { arm: 'treatment', share: 0.02 } }, ['broken'], 8],
])('%s', async (name, planted, right, least) => {
  const found = await decisions(planted);
  const good = found.filter((decision) => right.includes(decision)).length;
  console.log(`${name}: ${good} of ${SEEDS} are ${right.join(' or ')} (${found.join(', ')})`);
  expect(good).toBeGreaterThanOrEqual(least);
});
