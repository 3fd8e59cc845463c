import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPage } from '../../src/pages/sources/open.ts';

test('a path without a result is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-pages-'));
  expect(() => openPage(folder)).toThrow(expect.objectContaining({ code: 'PAGE_NOTHING_THERE' }));
  rmSync(folder, { recursive: true });
});
