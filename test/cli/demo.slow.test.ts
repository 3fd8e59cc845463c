/** The demo: what a newcomer sees first. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tributary } from './spawn.ts';

test('the demo finds the planted flows, and Streams comes nearer to the best possible AUC than AutoIFS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-demo-'));
  try {
    const { code, out } = tributary(['demo', '--rows', '20000', '--out', join(folder, 'demo')]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /\d of 4 noise flows found, 0 wrong claims; the flows of \d+ of 12 fields are exactly as planted/,
    );
    expect(out).toMatch(/The model is built from the verdict\./);
    expect(out).toContain('strength recovered by the model');
    expect(out).toContain('A keep-rate says what a gate does, not what a cell needs');
    const [streams, autoifs] = ['Streams', 'AutoIFS'].map((name) =>
      Number(new RegExp(`${name} +0\\.\\d{4} +([\\d.]+) % of the possible`).exec(out)?.[1]),
    );
    expect(streams).toBeGreaterThan(autoifs + 5);
    expect(streams).toBeLessThan(100);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
