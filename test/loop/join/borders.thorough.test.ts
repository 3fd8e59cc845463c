/** Labels at the borders of their rules, by hand. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { impression, interaction } from '../../events/examples.ts';
import { artifact, temporaryFolder } from '../../serve/support.ts';
import { addSegment, CONFIG, type Event, HOUR, joined, rowsOf, START } from './logs.ts';

const MINUTE = 60_000;
const T = START + HOUR;

/** An answer at T with the items a to h, and an interaction or correction of each. */
const answer = impression(1, {
  time: T,
  model: 'test-model@38157ceaff06',
  items: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((item_id, i) => ({
    item_id,
    position: i + 1,
    score: 0,
    probabilities: {},
    values: { item: item_id },
  })),
  values: { user: 'u1', age: 1, city: 'x', tags: 't1', hour: 1 },
});
let n = 0;
const click = (item_id: string, time: number): Event => interaction(++n, { request_id: 'request 1', item_id, time });
const takeBack = (item_id: string, time: number): Event => ({
  schema: 'event/1',
  event_id: `correction ${++n}`,
  kind: 'correction',
  request_id: 'request 1',
  item_id,
  type: 'click',
  time,
});

test('the first and the last moment of windows, skew, corrections and joins', async () => {
  const { folder } = artifact();
  const [log, out] = [join(temporaryFolder(), 'log'), join(temporaryFolder(), 'rows')];
  const end = T + 30 * MINUTE;
  addSegment(log, [
    answer,
    click('a', T - 5 * MINUTE), // as early as clocks may differ
    click('b', T - 5 * MINUTE - 1),
    click('c', end - 1),
    click('d', end),
    ...[click('e', T + 10), takeBack('e', T + 10)], // at its time is not after it
    ...[click('f', T + 10), takeBack('f', T + 9)],
    ...[click('g', T + 10), takeBack('g', T + 20), click('g', T + 30)],
    ...[click('h', T + 10), takeBack('h', end + HOUR), click('h', end + 2 * HOUR)],
  ]);
  const config = { ...CONFIG, artifact: folder };
  const states = async (asOf: number, late: 'ignore' | 'revise' = 'ignore') => {
    const { document } = await joined(log, out, { ...config, late }, { asOf });
    const rows = await rowsOf(out).catch(() => []);
    const text = rows.map((row) => `${row.log_item_id} ${row.state_click} ${row.label_click} ${row.delay_click}`);
    return { text, unmatched: document.interactions.unmatched, later: document.later };
  };
  const unknown = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((item) => `${item} open null null`);
  expect(await states(end - 1)).toEqual({ text: unknown, unmatched: 0, later: 3 });
  expect((await states(end)).text).toEqual([
    'a positive 1 -300',
    'b negative 0 null',
    'c positive 1 1799.999',
    'd late 0 1800',
    'e revoked 0 null',
    'f positive 1 0.01',
    'g positive 1 0.03',
    'h positive 1 0.01',
  ]);
  expect((await states(end + HOUR)).text.at(-1)).toBe('h revoked 0 null');
  expect((await states(end + 3 * HOUR)).text.at(-1)).toBe('h late 0 9000');
  expect((await states(end + 3 * HOUR, 'revise')).text.at(-1)).toBe('h late 1 9000');
});
