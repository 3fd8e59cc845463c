import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seal } from '../../src/base/seal.ts';
import { latestCheckpoint, listCheckpoints, loadCheckpoint, saveCheckpoint } from '../../src/store/run/checkpoint.ts';
import { temporaryFolder } from './temporary.ts';

const position = { phase: 'search', epoch: 3, step: 17 };
const weights = (value: number): [string, { shape: number[]; data: Float32Array }] => [
  'weights',
  { shape: [2, 2], data: new Float32Array(4).fill(value) },
];
const save = (folder: string, value: number, name?: string) =>
  saveCheckpoint(folder, { position, state: { value }, tensors: [weights(value)], name });
const firstWeight = (checkpoint: ReturnType<typeof latestCheckpoint>) => checkpoint!.tensors.get('weights')!.data[0];

describe('saving and loading', () => {
  test('everything comes back', () => {
    const folder = join(temporaryFolder(), 'checkpoints');
    const state = { seen: 12, best: null, history: [0.5, 1e-9], 10: 'x', note: 'é"\\\n' };
    const saved = saveCheckpoint(folder, { position, state, tensors: [weights(0.25)] });
    const loaded = latestCheckpoint(folder)!;
    expect(saved).toEqual({ name: '000001', sequence: 1, position, bytes: expect.any(Number) });
    expect(loaded).toEqual({
      ...saved,
      state,
      tensors: new Map([['weights', { dtype: 'F32', shape: [2, 2], data: Float32Array.of(0.25, 0.25, 0.25, 0.25) }]]),
    });
    expect(listCheckpoints(folder)).toEqual([saved]);
  });

  test('any JSON state comes back', () => {
    const folder = temporaryFolder();
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (drawn) => {
        const state = JSON.parse(JSON.stringify(drawn)); // JSON has no negative zero
        saveCheckpoint(folder, { position, state, tensors: [] });
        expect(latestCheckpoint(folder)!.state).toEqual(state);
      }),
      { numRuns: 30 },
    );
  });

  test.each([{ best: -Infinity }, { loss: Number.NaN }, { gone: undefined }, { counts: new Int32Array(2) }])(
    'a state that JSON would change is refused: %s',
    (state) => {
      const folder = temporaryFolder();
      expect(() => saveCheckpoint(folder, { position, state, tensors: [] })).toThrow('must survive JSON');
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('there may be none', () => {
    const folder = join(temporaryFolder(), 'checkpoints');
    expect(latestCheckpoint(folder)).toBeUndefined();
    expect(listCheckpoints(folder)).toEqual([]);
    expect(() => loadCheckpoint(folder, 'best')).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT_MISSING',
        message: expect.stringContaining('Start the training again'),
      }),
    );
  });
});

describe('what is kept', () => {
  test('the last two and every named one', () => {
    const folder = temporaryFolder();
    for (const [value, name] of [[1], [2, 'rewind'], [3], [4, 'best'], [5], [6]] as [number, string?][])
      save(folder, value, name);
    expect(listCheckpoints(folder).map(({ name }) => name)).toEqual(['000006', '000005', 'best', 'rewind']);
    expect(readdirSync(folder).filter((name) => name.endsWith('.safetensors'))).toEqual([
      '000005.safetensors',
      '000006.safetensors',
      'best-000004.safetensors',
      'rewind-000002.safetensors',
    ]);
    expect(firstWeight(latestCheckpoint(folder))).toBe(6);
    expect(firstWeight(loadCheckpoint(folder, 'rewind'))).toBe(2);
  });

  test('a named one is replaced', () => {
    const folder = temporaryFolder();
    save(folder, 1, 'best');
    save(folder, 2, 'best');
    expect(firstWeight(loadCheckpoint(folder, 'best'))).toBe(2);
    expect(readdirSync(folder)).toEqual(['best-000002.safetensors', 'best.json']);
  });

  test('what an interrupted save left neither counts nor stays', () => {
    const folder = temporaryFolder();
    save(folder, 1);
    writeFileSync(join(folder, '000002.safetensors'), 'complete, but without its description');
    writeFileSync(join(folder, '000003.safetensors.99.tmp'), 'begun');
    expect(firstWeight(latestCheckpoint(folder))).toBe(1);
    save(folder, 2);
    expect(readdirSync(folder)).toEqual(['000001.json', '000001.safetensors', '000003.json', '000003.safetensors']);
  });
});

describe('damage', () => {
  test('any changed byte of either file is found, the file is named, and a way on', () => {
    const folder = temporaryFolder();
    save(folder, 1);
    save(folder, 2);
    for (const file of ['000002.json', '000002.safetensors']) {
      const path = join(folder, file);
      const good = readFileSync(path);
      for (let at = 0; at < good.length; at++) {
        const damaged = Buffer.from(good);
        damaged[at] ^= 1 << (at % 8);
        writeFileSync(path, damaged);
        expect(() => latestCheckpoint(folder), `byte ${at} of ${file}`).toThrow(
          expect.objectContaining({
            code: 'CHECKSUM_MISMATCH',
            exitCode: 4,
            message: expect.stringMatching(new RegExp(`${file} is damaged.*tributary resume .* --from NAME\`: 000001`)),
          }),
        );
      }
      writeFileSync(path, good);
    }
    expect(firstWeight(latestCheckpoint(folder))).toBe(2);
  });

  test('a truncated or missing file is found; the older checkpoint still loads by name', () => {
    const folder = temporaryFolder();
    save(folder, 1);
    save(folder, 2);
    const path = join(folder, '000002.safetensors');
    for (const length of [100, 8, 3, 0]) {
      truncateSync(path, length);
      expect(() => latestCheckpoint(folder)).toThrow(expect.objectContaining({ code: 'CHECKSUM_MISMATCH' }));
    }
    rmSync(path);
    expect(() => latestCheckpoint(folder)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_DAMAGED', message: expect.stringContaining('the file is gone') }),
    );
    for (const length of [50, 0]) {
      truncateSync(join(folder, '000002.json'), length);
      expect(() => latestCheckpoint(folder)).toThrow(expect.objectContaining({ code: 'CHECKSUM_MISMATCH' }));
    }
    expect(firstWeight(loadCheckpoint(folder, '000001'))).toBe(1);
    expect(listCheckpoints(folder).map(({ name }) => name)).toEqual(['000001']);
  });

  test('saving goes on beside a damaged description and removes no tensors that it may mean', () => {
    const folder = temporaryFolder();
    save(folder, 1, 'best');
    truncateSync(join(folder, 'best.json'), 10);
    save(folder, 2);
    expect(readdirSync(folder)).toContain('best-000001.safetensors');
    expect(firstWeight(latestCheckpoint(folder))).toBe(2);
  });

  test('a description under the name of another one, or of another run, is not taken', () => {
    const folder = temporaryFolder();
    save(folder, 1, 'best');
    save(folder, 2);
    save(folder, 3);
    const swap = (from: string): void => copyFileSync(join(folder, `${from}.json`), join(folder, '000003.json'));
    for (const from of ['best', '000002']) {
      swap(from);
      expect(() => latestCheckpoint(folder), from).toThrow(
        expect.objectContaining({
          code: 'CHECKPOINT_DAMAGED',
          message: expect.stringContaining(`it describes ${from}`),
        }),
      );
    }
    saveCheckpoint(folder, { position, state: {}, tensors: [], run: 'one' });
    expect(latestCheckpoint(folder, 'one')?.state).toEqual({});
    expect(() => latestCheckpoint(folder, 'two')).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_DAMAGED', message: expect.stringContaining('of another run, one') }),
    );
    expect(loadCheckpoint(folder, 'best', 'two').state).toEqual({ value: 1 }); // it does not say
  });

  test('a description cannot name a file elsewhere, nor can a caller', () => {
    const folder = temporaryFolder();
    save(folder, 1);
    for (const file of ['../secret.safetensors', '/etc/passwd', 'a/../../b.safetensors', '..', 'x.safetensors\n']) {
      const description = { version: 1, sequence: 2, position, state: {}, file, bytes: 1, sha256: '' };
      writeFileSync(join(folder, '000002.json'), seal(description));
      expect(() => latestCheckpoint(folder), file).toThrow(
        expect.objectContaining({ code: 'CHECKPOINT_DAMAGED', message: expect.stringContaining('must lie beside it') }),
      );
    }
    for (const name of ['../000001', './000001', '', '000001.json'])
      expect(() => loadCheckpoint(folder, name), name).toThrow(expect.objectContaining({ code: 'CHECKPOINT_MISSING' }));
    for (const name of ['../x', '000009', 'Best', ''])
      expect(() => save(folder, 1, name), name).toThrow('a checkpoint cannot be named');
  });
});
