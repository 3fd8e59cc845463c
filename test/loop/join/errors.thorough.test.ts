/** What can be wrong with a log, a configuration and a folder, and what of an earlier join is left then. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadJoinConfig } from '../../../src/config/load-join.ts';
import { artifact, temporaryFolder } from '../../serve/support.ts';
import { addSegment, CONFIG, drawLog, joined, rowsOf } from './logs.ts';

const folders = () => ({ log: join(temporaryFolder(), 'log'), out: join(temporaryFolder(), 'rows') });

test('a log without answers of the model says which models it has answers of', async () => {
  const { folder } = artifact();
  const { log, out } = folders();
  const config = { ...CONFIG, artifact: folder };
  await expect(joined(log, out, config)).rejects.toMatchObject({ code: 'FILE_MISSING' });
  mkdirSync(log);
  await expect(joined(log, out, config)).rejects.toMatchObject({ code: 'JOIN_EMPTY' });
  addSegment(log, drawLog(1));
  const others = joined(log, out, { ...config, models: ['shop'] });
  await expect(others).rejects.toMatchObject({
    code: 'JOIN_EMPTY',
    message: expect.stringContaining('answers are of other models than shop'),
  });
  await expect(joined(log, out, config, { from: '2026-12-01' })).rejects.toMatchObject({ code: 'JOIN_EMPTY' });
  await expect(joined(log, out, config, { asOf: 0 })).rejects.toMatchObject({ code: 'JOIN_EMPTY' });
});

test('a field without any value is an error, unless it is left out; the rows of the join before stay', async () => {
  const { folder } = artifact();
  const { log, out } = folders();
  const config = { ...CONFIG, artifact: folder };
  const events = drawLog(2);
  addSegment(log, events);
  await joined(log, out, config);
  const before = await rowsOf(out);
  for (const event of events)
    if (event.kind === 'impression') {
      const { hour: _, ...values } = event.values ?? {};
      event.values = values;
    }
  const other = { log: join(temporaryFolder(), 'log'), out: join(temporaryFolder(), 'rows') };
  addSegment(other.log, events);
  await expect(joined(other.log, other.out, config)).rejects.toMatchObject({
    code: 'JOIN_FIELDS_MISSING',
    message: expect.stringContaining('the field hour'),
  });
  await joined(other.log, other.out, { ...config, leaveOut: ['hour'] });
  expect(await rowsOf(other.out)).toEqual(before.map(({ hour: _, ...row }) => row));
});

test('sequences that are empty in all of the log are an error, unless they are left out or filled', async () => {
  const { folder } = artifact({ sequences: true });
  const config = { ...CONFIG, artifact: folder };
  const events = drawLog(6, { answers: 40 });
  for (const event of events) if (event.kind === 'impression') event.sequences = { viewed: [] };
  const { log } = folders();
  addSegment(log, events);
  await expect(joined(log, folders().out, config)).rejects.toMatchObject({
    code: 'JOIN_FIELDS_MISSING',
    details: { fields: ['sequences'] },
  });
  const [without, filled] = [folders().out, folders().out];
  await joined(log, without, { ...config, leaveOut: ['sequences'] });
  expect((await rowsOf(without))[0]).not.toHaveProperty('sequence_viewed');
  await joined(log, filled, { ...config, sequences: { bought: { type: 'buy' } } });
  const rows = await rowsOf(filled);
  expect(rows.every((row) => (row.sequence_viewed as unknown[]).length === 0)).toBe(true);
  expect(rows.some((row) => (row.sequence_bought as unknown[]).length > 0)).toBe(true);
});

test('folders of something else, of another log, and damaged ones are refused', async () => {
  const { folder } = artifact();
  const { log, out } = folders();
  const config = { ...CONFIG, artifact: folder };
  addSegment(log, drawLog(3, { answers: 20 }));
  mkdirSync(out);
  writeFileSync(join(out, 'letter.txt'), 'mine');
  await expect(joined(log, out, config)).rejects.toMatchObject({ code: 'JOIN_OUT_OCCUPIED' });
  const own = join(temporaryFolder(), 'rows');
  await joined(log, own, config);
  const another = join(temporaryFolder(), 'log');
  addSegment(another, drawLog(3, { answers: 20 }));
  await expect(joined(another, own, config)).rejects.toMatchObject({ code: 'JOIN_OTHER_LOG' });
  const path = join(own, '.join', 'state.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"files"', '"filez"'));
  await expect(joined(log, own, config)).rejects.toMatchObject({ code: 'JOIN_STATE' });
});

test('events of another version are refused; lines that are no events are counted', async () => {
  const { folder } = artifact();
  const { log, out } = folders();
  const config = { ...CONFIG, artifact: folder };
  const events = drawLog(4);
  addSegment(log, [
    ...events,
    'no JSON',
    '[1]',
    '{"schema":"event/1","kind":"interaction","event_id":"1"}',
    JSON.stringify({ ...events[0], event_id: 'a time that is none', time: 'now' }),
    '{"schema":"event/1","kind":"forgotten"}      ',
    '{"schema":"event/1","event_id":"gap","kind":"gap","time":1,"reason":"dropped","count":17}',
  ]);
  const { document } = await joined(log, out, config);
  expect(document.read).toMatchObject({ damaged: 4, lost: 17 });
  addSegment(log, ['{"schema":"event/4","kind":"impression"}']);
  await expect(joined(log, out, config)).rejects.toMatchObject({
    code: 'EVENT_VERSION',
    details: { path: log, found: 'event/4' },
  });
});

test('mistakes of a configuration are named by their paths', async () => {
  const { folder } = artifact();
  const { log, out } = folders();
  addSegment(log, drawLog(5, { answers: 20 }));
  const wrong = {
    ...CONFIG,
    artifact: folder,
    tasks: { clik: { window: '30m' }, click: { window: '1h' } },
    leaveOut: ['citty'],
  };
  await expect(joined(log, out, wrong)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    details: {
      problems: [
        { path: 'tasks.clik', message: expect.stringContaining('the nearest is "click"') },
        { path: 'tasks.purchase', message: expect.stringContaining('is missing') },
        { path: 'leaveOut.0', message: expect.stringContaining('the nearest is "city"') },
      ],
    },
  });
  await expect(
    loadJoinConfig({ artifact: 'a', tasks: { click: { window: '30 minutes' } }, rate: 2 }),
  ).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    details: {
      problems: [
        { path: 'tasks.click.window', message: expect.stringContaining('expected a time as 30s') },
        { path: 'rate', message: expect.stringContaining('no such option') },
      ],
    },
  });
  const reader = artifact({ sequences: true }).folder;
  const unfit = { ...CONFIG, artifact: reader, leaveOut: ['item'], sequences: { seen: {} } };
  await expect(joined(log, out, unfit)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    details: {
      problems: [
        { path: 'leaveOut', message: expect.stringContaining('"item" is the item of the sequences') },
        { path: 'sequences.seen', message: expect.stringContaining('it has viewed, bought') },
      ],
    },
  });
  for (const config of [
    { ...CONFIG, artifact: folder, sequences: { viewed: {} } },
    { ...CONFIG, artifact: reader, leaveOut: ['sequences'], sequences: { viewed: {} } },
  ])
    await expect(joined(log, out, config)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: {
        problems: [{ path: 'sequences.viewed', message: expect.stringContaining('the rows have no sequences') }],
      },
    });
  await expect(joined(log, out, { ...CONFIG, artifact: log })).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
});
