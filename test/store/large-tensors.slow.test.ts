/** Files of hundreds of megabytes: large tensors are read and written piece by piece. */
import { closeSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.ts';
import { copyInto, type StoredTensor } from '../../src/store/tensors.ts';
import { found, sparse } from './sparse.ts';
import { temporaryFolder } from './temporary.ts';

test('a large table is copied into memories, stays readable when its file is replaced, and is written in parts', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'model.safetensors');
  const rows = 4_500_000; // 288 MB
  const numbers = { 5: 1, 30000001: 2, 33554431: 3, 33554432: 4, [rows * 16 - 1]: 5 };
  sparse(path, rows, numbers);
  const { tensors } = readSafetensors(path);
  const table = tensors.get('table') as StoredTensor;
  writeFileSync(join(folder, 'other'), 'another model');
  renameSync(join(folder, 'other'), path);

  const memories = [30_000_000, 0, 40_000_000, 2_000_000].map((length) => new Float32Array(length));
  copyInto(memories, table);
  const values = [
    memories[0][5],
    memories[2][1],
    memories[2][3_554_431],
    memories[2][3_554_432],
    memories[3][1_999_999],
  ];
  expect(values).toEqual([1, 2, 3, 4, 5]);

  const copy = join(folder, 'copy.safetensors');
  const stamp = writeSafetensors(copy, [['table', { shape: [rows, 16], parts: memories }]]);
  const again = readSafetensors(copy, stamp).tensors.get('table') as StoredTensor;
  expect(found(again)).toEqual(numbers);
  expect(again.data.length).toBe(rows * 16);
  expect(again.data[rows * 16 - 1]).toBe(5);

  const file = openSync(copy, 'r+');
  writeSync(file, Uint8Array.of(1), 0, 1, 200_000_000);
  closeSync(file);
  expect(() => readSafetensors(copy, stamp)).toThrow(expect.objectContaining({ code: 'CHECKSUM_MISMATCH' }));
});
