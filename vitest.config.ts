import { defineConfig } from 'vitest/config';

const seeded = 'test/seed.ts';

const inProcess = {
  testTimeout: 120_000, // far from what a test takes alone: a busy machine fails none
  hookTimeout: 120_000,
  // Files share a process, so that what they import is loaded once: a quarter of the time.
  isolate: false,
  setupFiles: ['test/between-files.ts', seeded],
};

/**
 * Four projects: `fast` (in-process, under a minute together), `thorough` (in-process, a database or a training in most of
 * them), `slow` (whole commands, kills, real data) and `long` (what takes minutes: thousands of damages, requests under
 * overload). `npm test` runs the first three, `npm run test:long` the last.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{slow,thorough,long}.test.ts'],
          ...inProcess,
        },
      },
      { test: { name: 'thorough', include: ['test/**/*.thorough.test.ts'], ...inProcess } },
      {
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          setupFiles: seeded,
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'long',
          include: ['test/**/*.long.test.ts'],
          setupFiles: seeded,
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
