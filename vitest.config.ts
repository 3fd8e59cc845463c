import { defineConfig } from 'vitest/config';

/** Two projects: `fast` (in-process, under a minute) and `slow` (whole commands, kills, real data). */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.slow.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // Files share a process, so that what they import is loaded once: a quarter of the time.
          isolate: false,
          setupFiles: 'test/between-files.ts',
        },
      },
      {
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
