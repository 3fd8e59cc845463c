import { expect, test } from 'vitest';
import { oneLine, printable } from '../../src/base/one-line.ts';
import { fenced, markdownText } from '../../src/report/markdown.ts';

test('a name on one line, with what cannot be seen written out', () => {
  expect(oneLine('a\nb\r\tc\u001b[31m\u2028\u202ed é 用户 |*')).toBe(
    'a\\nb\\r\\tc\\u001b[31m\\u2028\\u202ed é 用户 |*',
  );
  expect(printable('a\n\tb\u001b]0;c\u0007')).toBe('a\n\tb\\u001b]0;c\\u0007');
});

test('a name in Markdown is what it is', () => {
  expect(markdownText('user_id and ml-1m (2 of 3), 0.71 ± 0.01')).toBe('user_id and ml-1m (2 of 3), 0.71 ± 0.01');
  expect(markdownText('# a\n<img src=x onerror=1> [b](https://c) **d** _e_ `f` a|b & ~~g~~ $h$ x@y.z www.k.l')).toBe(
    '\\# a\\\\n&lt;img src=x onerror=1&gt; \\[b\\](https:\\//c) \\*\\*d\\*\\* \\_e\\_ \\`f\\` a&#124;b &amp; \\~\\~g\\~\\~ \\$h\\$ x\\@y.z www\\.k.l',
  );
});

test('a block of code ends where it ends', () => {
  expect(fenced('a\n```\nb', 'text')).toEqual(['````text', 'a\n```\nb', '````']);
  expect(fenced('a', 'json')).toEqual(['```json', 'a', '```']);
});
