import { defineConfig } from 'vitest/config';

const inProcess = {
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Files share a process, so that what they import is loaded once: a quarter of the time.
  isolate: false,
  setupFiles: 'test/between-files.ts',
};

/**
 * Three projects: `fast` (in-process, under a minute together), `thorough` (in-process, a database or a training in most of
 * them) and `slow` (whole commands, kills, real data).
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{slow,thorough}.test.ts'],
          ...inProcess,
        },
      },
      { test: { name: 'thorough', include: ['test/**/*.thorough.test.ts'], ...inProcess } },
      {
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
