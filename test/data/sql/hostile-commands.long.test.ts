/** Hostile expressions in configurations, against the commands as a user starts them. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tributary } from '../../cli/spawn.ts';
import { temporaryFolder } from '../support.ts';
import { hostileExpressions, LOG_CSV, PLACES } from './hostile.ts';

const places = Object.keys(PLACES);
const names = Object.keys(hostileExpressions('')).filter(
  (name) => !name.includes('without end') && name !== 'longer than any',
);

test.each(names.slice(0, 32).map((name, i) => [name, i % 2 === 0 ? 'derive' : places[i % places.length]]))(
  '%s (in: %s)',
  (name, place) => {
    const folder = temporaryFolder({ 'log.csv': LOG_CSV, 'secret.csv': 'k,v\n1,hidden\n' });
    const config = join(folder, 'c.json');
    writeFileSync(config, JSON.stringify(PLACES[place](hostileExpressions(folder)[name])));
    // Both commands for some, one for the others: each takes half a second.
    const verbs = names.indexOf(name) % 8 === 0 ? ['validate', 'prepare'] : ['validate'];
    for (const verb of verbs) {
      const { code, out, err } = tributary([
        verb,
        config,
        ...(verb === 'prepare' ? ['--out', join(folder, 'out')] : []),
      ]);
      expect(code, `${out}${err}`).toBe(verb === 'prepare' ? (code === 2 ? 2 : 3) : 3);
      expect(out + err).toMatch(/cannot be used|DATA_EXPRESSION_INVALID/);
      expect(out + err).not.toMatch(/hidden|root:x:0| {4}at /);
    }
    expect(readdirSync(folder).sort()).toEqual(['c.json', 'log.csv', 'secret.csv']);
  },
);
