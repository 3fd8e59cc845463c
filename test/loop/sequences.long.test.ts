/** A model that reads sequences, from its service by the log to the next one: the ids of what was served, joined and prepared are the same. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { createRowEncoder, type SequenceValues } from '../../src/data/encode/encoder.ts';
import { OUT_OF_VOCABULARY_ID } from '../../src/data/encode/ids.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { readRounds } from '../../src/loop/rounds.ts';
import { type Artifact, openArtifact } from '../../src/store/artifact/open.ts';
import { events } from '../cli/spawn.ts';
import { startCommand } from '../serve/command.ts';
import { temporaryFolder } from '../serve/support.ts';
import { rowsOf } from './join/logs.ts';
import { KEY_VARIABLE, loopFile, shopConfig } from './shop.ts';

const DAY = 86_400_000;
const FIRST = Date.parse('2024-03-01');
const ITEMS = 30;
const LENGTH = 5;

/** Users like items of the parity of their number, and click what they like. */
const clicks = (user: number, item: number, uniform: () => number): boolean =>
  uniform() < (user % 2 === item % 2 ? 0.7 : 0.15);

/** The first model, trained on a log of rows in which sequences follow from earlier ones. */
function firstReader(folder: string) {
  const { below, uniform } = random('first rows');
  const rows = Array.from({ length: 4000 }, (_, second) => {
    const [user, item] = [below(40), below(ITEMS)];
    return { user, item, second, page: ['home', 'search'][below(2)], click: Number(clicks(user, item, uniform)) };
  });
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  file('log.json', rows.map((row) => JSON.stringify(row)).join('\n'));
  const config = file(
    'shop.yaml',
    JSON.stringify({
      name: 'shop',
      sources: { log: { path: 'log.json' } },
      fields: [
        { name: 'item', kind: 'categorical' },
        { name: 'page', kind: 'categorical' },
      ],
      scenario: { expression: 'page', values: ['home', 'search'] },
      tasks: [{ name: 'click', label: 'click' }],
      sequences: { key: '"user"', time: 'second', item: 'item', length: LENGTH, types: { clicked: 'click = 1' } },
      split: { kind: 'time', column: 'second' },
    }),
  );
  const [data, run, artifact] = ['data', 'run', 'artifact'].map((name) => join(folder, name));
  events(['prepare', config, '--out', data]);
  const small = ['train.maxEpochs=3', 'model.embeddingDim=8'].flatMap((option) => ['--set', option]);
  events([
    'train',
    '--data',
    data,
    '--model',
    'dtrn',
    ...small,
    '--threads',
    '1',
    '--yardsticks',
    'none',
    '--out',
    run,
  ]);
  events(['export', run, '--out', artifact, '--name', 'shop']);
  return { run, artifact };
}

/** What a service makes of a user's sequences: ids within the vocabulary of the items. */
function idsBy({ encoder, manifest }: Artifact): (sequences: SequenceValues) => number[] {
  const { encodeSequences } = createRowEncoder(encoder);
  const offset = manifest.data.fields.find(({ name }) => name === 'item')?.offset as number;
  return (sequences) => {
    const ids = new Int32Array(LENGTH);
    encodeSequences(sequences, ids);
    return [...ids].map((id) => id - offset);
  };
}

/** A request; every third brings no sequences. Some items of the past are unknown to the first model. */
function requestOf(n: number, draw: (n: number) => number): object {
  const past = Array.from({ length: draw(9) }, () => (draw(6) === 0 ? `new ${draw(3)}` : draw(ITEMS)));
  return {
    request_id: `r${n}`,
    scenario: ['home', 'search'][draw(2)],
    user: { user_id: draw(40), ...(n % 3 > 0 && { sequences: { clicked: past } }) },
    items: Array.from({ length: 6 }, (_, id) => ({ id, item: draw(12) === 0 ? `new ${draw(3)}` : draw(ITEMS) })),
  };
}

test('what was served is what the next model is trained on, and the loop loads it', async () => {
  const folder = temporaryFolder();
  const { run, artifact } = firstReader(folder);
  const log = join(folder, 'events');
  const service = await startCommand(artifact, 1, { ...shopConfig(log, 0), unknownFields: 'ignore' });
  const { below, uniform } = random('users');
  const sent = new Map<string, object>();
  for (let n = 0; n < 360; n++) {
    const time = FIRST + Math.floor((n / 120) * DAY) + below(1000);
    const request = requestOf(n, below) as {
      user: { user_id: number; sequences?: SequenceValues };
      items: { id: number; item: number }[];
    };
    sent.set(`r${n}`, request.user);
    const answer = await fetch(`${service.address}/v1/rank`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'tributary-clock': String(time) },
      body: JSON.stringify(request),
    });
    expect(answer.status).toBe(200);
    const done = request.items
      .filter(({ item }) => clicks(request.user.user_id, item, uniform))
      .map(({ id }) => ({
        kind: 'interaction',
        event_id: `${n} ${id}`,
        request_id: `r${n}`,
        item_id: id,
        type: 'click',
        time: time + 5000,
      }));
    if (done.length > 0) expect((await service.ask('/v1/events', { events: done })).status).toBe(200);
  }

  const file = loopFile({ folder, run, artifact } as Parameters<typeof loopFile>[0], {
    name: 'loop',
    log,
    load: { url: service.address, model: 'shop', key: `env:${KEY_VARIABLE}` },
    gates: { mean: 0.5, cell: 1, calibrationError: 1, drift: 100 },
  });
  const join_ = { artifact, tasks: { click: { window: '30m' } }, sequences: { clicked: { type: 'click' } } };
  writeFileSync(join(file, '../join.yaml'), JSON.stringify(join_));
  events(['loop', file, '--now', new Date(FIRST + 3 * DAY + DAY / 4).toISOString()]);
  const [round] = readRounds(join(file, '../loop'));
  expect(round.decision).toMatchObject({ kind: 'loaded' });

  const rows = await rowsOf(join(file, '../loop/rows'));
  const data = await openPrepared(join(file, '../loop/rounds/000001/data'));
  const [served, next] = [await openArtifact(artifact), await openArtifact(round.exported?.artifact as string)];
  expect(next.manifest.data.sequences).toMatchObject({ from: 'given lists', types: ['clicked'], length: LENGTH });
  const [idsServed, idsNext] = [idsBy(served), idsBy(next)];
  const expected: string[] = [];
  let filled = 0;
  for (const row of rows) {
    const { sequences } = sent.get(String(row.log_request_id)) as { sequences?: SequenceValues };
    const list = row.sequence_clicked as (string | null)[];
    expected.push(idsNext({ clicked: list }).join());
    if (sequences === undefined) {
      filled += list.length;
      continue;
    }
    // What was served has the ids that the next model learns, but for tokens that only that one knows.
    const [before, after] = [idsServed(sequences), idsNext(sequences)];
    expect(before.map((id, i) => (id === OUT_OF_VOCABULARY_ID ? after[i] : id))).toEqual(after);
    expect(expected.at(-1)).toBe(after.join());
  }
  const found: string[] = [];
  const offset = data.manifest.fields.find(({ name }) => name === 'item')?.offset as number;
  for (const split of ['train', 'validation', 'test'] as const)
    for await (const { size, sequences } of data.batches(split))
      for (let i = 0; i < size; i++)
        found.push([...(sequences as Int32Array).slice(i * LENGTH, (i + 1) * LENGTH)].map((id) => id - offset).join());
  expect(found.sort()).toEqual(expected.sort());
  expect(filled).toBeGreaterThan(0);
  // The service answers with the next model.
  const { status, text } = await service.ask('/v1/rank', { ...requestOf(1, below), request_id: 'after' });
  expect([status, JSON.parse(text).model]).toEqual([200, `shop@${round.exported?.id}`]);
});
