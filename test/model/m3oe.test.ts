/** What only M3oE promises: how heads weigh experts, and what its gates do not teach. */
import { expect, test } from 'vitest';
import { findModel } from '../../src/model/registry.ts';
import { diagnostics, scoringFeeds } from './diagnostics.ts';
import { feedsFor, gradients, open, setupOf } from './support.ts';

const ROWS = 5;
const OPTIONS = { embeddingDim: 3, starDim: 5, fusedDim: 4, experts: 2, expertDims: [4] };
const setup = setupOf(findModel('m3oe'), OPTIONS, { fields: 2, scenarios: 3, tasks: 2 }, 'train');

test('a head takes its gate of the shared experts, and fixed shares of its own and the other domains and tasks', () => {
  const feeds = scoringFeeds(setup, ROWS);
  feeds['balance.domain'].data[0] = 0; // omega_d = 1/2
  feeds['balance.task'].data[0] = Math.log(1 / 3); // omega_t = 1/4
  feeds['balance.ownDomain'].data[0] = Math.log(3); // beta_d = 3/4
  feeds['balance.ownTask'].data[0] = Math.log(1 / 4); // beta_t = 1/5
  const { data } = diagnostics(setup, feeds).weights; // [6,ROWS,2+3+2]
  for (let head = 0; head < 6; head++)
    for (let row = 0; row < ROWS; row++) {
      const [one, other, ...fixed] = data.subarray((head * ROWS + row) * 7, (head * ROWS + row + 1) * 7);
      expect(one + other, 'shares of the shared experts').toBeCloseTo(1, 6);
      const domains = [0, 1, 2].map((s) => (s === head % 3 ? 0.375 : 0.0625));
      const tasks = [0, 1].map((t) => (t === Math.floor(head / 3) ? 0.05 : 0.2));
      expect(fixed.map((share) => Number(share.toFixed(6)))).toEqual([...domains, ...tasks]);
    }
});

/** Experts that ignore their input leave the gates as the only way from an answer back to the row. */
test('gates pass no gradient to the fused row', async () => {
  const subject = await open(setup);
  const feeds = feedsFor(subject.training.inputs, setup, ROWS);
  const seeing = gradients(subject, await subject.train(feeds));
  feeds['expert.0.kernel'].data.fill(0);
  const blind = gradients(subject, await subject.train(feeds));
  await subject.release();
  const largest = (of: typeof blind, name: string) => Math.max(...Array.from(of.get(name) ?? [], Math.abs));
  expect(largest(seeing, 'embedding')).toBeGreaterThan(0);
  expect(largest(blind, 'gate.kernel')).toBeGreaterThan(0);
  expect(largest(blind, 'embedding')).toBe(0);
});
