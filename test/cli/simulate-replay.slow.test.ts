/** `simulate`, `replay` and `position-bias` as commands, against a service of this process. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { positionBiasSchema } from '../../src/documents/loop/position-bias.ts';
import { replaySchema } from '../../src/documents/loop/replay.ts';
import { simulationSchema } from '../../src/documents/loop/simulation.ts';
import { temporaryFolder } from '../serve/support.ts';
import { openShop, smallWorld, worldArtifact } from '../simulate/shop.ts';
import { interrupted, jsonLines } from './spawn.ts';

/** The service is in this process: it must go on while the command runs. */
const run = (...words: string[]) => interrupted(words, () => false);

test('a shop is simulated, its artifact judged, its position bias measured', async () => {
  const world = smallWorld();
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'synthetic-truth.json'), JSON.stringify({ id: 'x', options: world.options }));
  const made = worldArtifact(world);
  const shop = await openShop(world, { exploration: { share: 0.9, temperature: 1 } }, made);
  const words = ['simulate', folder, '--url', shop.url, '--requests', '150', '--candidates', '3', '--show', '2'];
  const simulated = await run(...words, '--days', '2', '--drift', '2', '--reward', 'click=1', '--json');
  expect([simulated.code, simulated.err]).toEqual([0, '']);
  const [first, second, { event, ...document }] = jsonLines(simulated.out);
  expect([first.event, second.event, event]).toEqual(['day', 'day', 'result']);
  const { days, all, reward } = simulationSchema.parse(document);
  expect([days.map(({ drifts }) => drifts), all.requests, reward]).toEqual([[0, 1], 300, { click: 1 }]);
  await shop.client.service.close();
  const refused = await run('simulate', folder, '--url', shop.url, '--reward', 'buy=1');
  expect([refused.code, refused.err]).toEqual([
    2,
    expect.stringContaining('--reward buy: the world has the tasks click, like'),
  ]);

  const replayed = await run(
    'replay',
    shop.log,
    '--policy',
    made.folder,
    '--temperature',
    '1',
    '--reward',
    'click=1',
    '--json',
  );
  expect([replayed.code, replayed.err]).toEqual([0, '']);
  const [{ event: _, ...found }] = jsonLines(replayed.out);
  expect(replaySchema.parse(found)).toMatchObject({ policy: shop.label, refusals: [], reward: { click: 1 } });
  const deterministic = await run('replay', shop.log, '--policy', made.folder, '--window', '90d');
  expect([deterministic.code, deterministic.out, deterministic.err]).toEqual([
    3,
    expect.stringMatching(/^The log cannot say what test-model@\w+ would bring\./),
    expect.stringMatching(/REPLAY_REFUSED.*\n {2}no-rows: the log has no answered request that counts/),
  ]);

  const bias = await run('position-bias', shop.log, '--json');
  const [{ event: __, ...biased }] = jsonLines(bias.out);
  expect(positionBiasSchema.parse(biased).type).toBe('click');
  const text = await run('position-bias', shop.log, '--type', 'buy');
  expect([text.code, text.err]).toEqual([3, expect.stringContaining('LOG_TYPE_UNKNOWN')]);
});
