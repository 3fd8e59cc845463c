/** Configurations that were changed at random: bytes, lines and values, by a seed. */
import { random } from '../../src/base/random.ts';

const YAML = `name: log
sources:
  log: { path: log.csv, delimiter: ',', header: true, derive: { hour: 'time % 24' } }
  users: { path: users.csv }
from: log
joins: [{ source: users, on: { user: id }, kind: left }]
where: page >= 0
fields:
  - { name: user, kind: categorical, minCount: 2 }
  - { name: time, kind: numeric, buckets: { quantiles: 4 } }
  - { name: tags, kind: multi, separator: '|', maxLength: 3, expression: "'a|b'" }
scenario: { expression: page, values: [0, 1], names: [home, search] }
tasks:
  - { name: click, label: click }
weight: 1 + page
group: user
split: { kind: time, column: time, ratios: [0.8, 0.1, 0.1] }
vocabulary: { from: train, minCount: 1 }
`;

/** Texts that mean something to YAML, JSON, SQL or JavaScript. */
const PIECES = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '-',
    '?',
    '&a ',
    '*a',
    '!x ',
    '|',
    '>',
    "'",
    '"',
    '#',
    '%',
    '@',
    '`',
    '\t',
    '\n',
    '---\n',
    '...',
    '<<: *a',
  ],
  ...[
    '__proto__',
    'constructor',
    'null',
    '~',
    'true',
    '.nan',
    '.inf',
    '1e999',
    '-0',
    '0x10',
    '99999999999999999999',
    '2024-01-01',
  ],
  ...[
    ');',
    '--',
    '/*',
    '*/',
    '$$',
    ' OR 1=1',
    'SELECT',
    "read_csv('/etc/passwd')",
    '\\u0000',
    '\u0000',
    '\ud800',
    '\u202e',
    '\ufeff',
    '[['.repeat(80),
    'a: '.repeat(90),
  ],
];

/** The text of the n-th configuration: one to three changes of a sound one. */
export function mutatedConfig(n: number): string {
  const dice = random('mutated configuration', n);
  const below = (limit: number): number => (limit === 0 ? 0 : dice.below(limit));
  let text = YAML;
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const at = below(text.length + 1);
    const length = below(4) === 0 ? below(60) : below(4);
    const piece = [
      () => PIECES[below(PIECES.length)],
      () => String.fromCharCode(below(256)),
      () => text.slice(below(text.length), below(text.length)),
      () => '',
    ][below(4)]();
    text = text.slice(0, at) + piece + text.slice(at + length);
  }
  return text;
}
