/** Finds out what is at a path, and makes its page. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import type { Page } from '../page.ts';
import { runPage } from './run.ts';

/**
 * The page of a run folder.
 *
 * @throws PAGE_NOTHING_THERE where nothing at the path is known; errors of the reader of what is there
 */
export function openPage(path: string): Page {
  if (existsSync(join(path, 'run.json'))) return runPage(path);
  throw error('PAGE_NOTHING_THERE', { path });
}
