/** What no array of Node holds. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSafetensors } from '../../src/store/safetensors.ts';
import { FileTensor } from '../../src/store/tensors.ts';
import { found, sparse } from './sparse.ts';
import { temporaryFolder } from './temporary.ts';

test('a table of more than 4 GiB is read where it is, by its numbers on both sides of 2 and 4 GiB', () => {
  const path = join(temporaryFolder(), 'large.safetensors');
  const rows = 70_000_000; // 4.48 GB
  const numbers = { 0: 1, [2 ** 29 - 1]: 2, [2 ** 29]: 3, [2 ** 30 - 1]: 4, [2 ** 30]: 5, [rows * 16 - 1]: 6 };
  sparse(path, rows, numbers);
  const { tensors } = readSafetensors(path);
  expect(tensors.get('small')?.data).toEqual(Float32Array.of(1, 2, 3));
  const table = tensors.get('table') as FileTensor;
  expect(table).toBeInstanceOf(FileTensor);
  table.clear(2 ** 30, 2 ** 30 + 16);
  const { [2 ** 30]: _, ...rest } = numbers;
  expect(found(table)).toEqual(rest);
});
