/** What a program prints, as the file of a source. */
import { spawn } from 'node:child_process';
import { createWriteStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { error } from '../base/errors/index.ts';
import type { SourceConfig } from '../data/sources/source.ts';
import type { LandedRows } from './record.ts';

const ENDINGS = { parquet: 'parquet', csv: 'csv', json: 'jsonl', auto: 'csv' };
/** Of what it says on stderr, characters in a message. */
const SAID = 500;

/**
 * Runs a program, without a shell, until it ends, and keeps its stdout.
 *
 * @throws LANDING_COMMAND where it cannot be started, ends with another code than 0 or prints nothing; DISK_FULL
 */
export async function landCommand(
  source: string,
  words: readonly string[],
  format: SourceConfig['format'],
  folder: string,
): Promise<LandedRows> {
  const time = Date.now();
  const file = join(folder, `rows.${ENDINGS[format]}`);
  const failed = (problem: string) => error('LANDING_COMMAND', { source, command: words[0], problem });
  const child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID);
  });
  const ended = new Promise<string | undefined>((done) => {
    child.once('error', ({ message }) => done(`it cannot be started: ${message}`));
    child.once('close', (code, signal) =>
      done(
        code === 0 ? undefined : `it ended with ${signal ?? `code ${code}`}${said === '' ? '' : `: ${said.trim()}`}`,
      ),
    );
  });
  try {
    await pipeline(child.stdout, createWriteStream(file));
    const problem = await ended;
    if (problem !== undefined) throw failed(problem);
  } finally {
    child.kill();
  }
  if (statSync(file).size === 0) throw failed('it printed nothing');
  return { time, leftOut: [] };
}
