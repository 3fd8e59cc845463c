/** What a changed configuration may do: be used, or be refused by a code. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { EXIT } from '../../src/base/errors/entry.ts';
import { TributaryError } from '../../src/base/errors/index.ts';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { validate } from '../../src/data/checks/validate.ts';
import { LOG_CSV } from '../data/sql/hostile.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { mutatedConfig } from './mutated.ts';

/** Longest that loading and validating a small configuration may take, in milliseconds, on a machine that does other things, too. */
const MOST_MS = 20_000;

/** Loads and validates mutated configurations; returns how many were understood as configurations. */
export async function tryMutations(numbers: number[]): Promise<number> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'log.csv'), LOG_CSV);
  writeFileSync(join(folder, 'users.csv'), 'id,age\nu1,20\nu2,30\n');
  let understood = 0;
  for (const n of numbers) {
    const path = join(folder, 'c.yaml');
    writeFileSync(path, mutatedConfig(n));
    const started = performance.now();
    try {
      await validate(await loadDatasetConfig(path), folder, { memoryLimit: '300MB' });
      understood++;
    } catch (cause) {
      if (!(cause instanceof TributaryError)) throw new Error(`mutation ${n}: ${mutatedConfig(n)}`, { cause });
      expect(cause.exitCode, `mutation ${n}: ${cause.message}`).not.toBe(EXIT.internal);
    }
    expect(performance.now() - started, `mutation ${n}`).toBeLessThan(MOST_MS);
    expect(readdirSync(folder).sort(), `mutation ${n}`).toEqual(['c.yaml', 'log.csv', 'users.csv']);
  }
  return understood;
}
