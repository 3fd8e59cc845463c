/** Damage to the files of a folder, as disks, copies and editors do it: every kind at random, the same for the same seed. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { TributaryError } from '../../src/base/errors/index.ts';
import { type Random, random } from '../../src/base/random.ts';

/** Changes one or two files of `folder`; says what it did. Undefined where the kind does not fit the file. */
type Damage = (draw: Random, folder: string, file: string, others: Others) => string | undefined;

interface Others {
  /** All files of the folder, by their paths inside. */
  files: string[];
  /** A folder of the same kind with other content. */
  sibling?: string;
}

const bytesOf = (folder: string, file: string): Buffer => readFileSync(join(folder, file));
const put = (folder: string, file: string, content: string | Uint8Array): void =>
  writeFileSync(join(folder, file), content);

const KINDS: Record<string, Damage> = {
  'a bit flipped': (draw, folder, file) => {
    const bytes = bytesOf(folder, file);
    if (bytes.length === 0) return undefined;
    const at = draw.below(bytes.length);
    bytes[at] ^= 1 << draw.below(8);
    put(folder, file, bytes);
    return `at ${at}`;
  },
  'cut short': (draw, folder, file) => {
    const bytes = bytesOf(folder, file);
    if (bytes.length === 0) return undefined;
    const length = draw.below(bytes.length);
    put(folder, file, bytes.subarray(0, length));
    return `to ${length} of ${bytes.length}`;
  },
  'cut at a line or a block': (draw, folder, file) => {
    const bytes = bytesOf(folder, file);
    const lines = [...bytes.keys()].filter((i) => bytes[i] === 10 && i < bytes.length - 1);
    const length = lines.length > 0 ? lines[draw.below(lines.length)] + 1 : 512 * draw.below((bytes.length >>> 9) + 1);
    if (length >= bytes.length) return undefined;
    put(folder, file, bytes.subarray(0, length));
    return `to ${length} of ${bytes.length}`;
  },
  'zeros in it': (draw, folder, file) => {
    const bytes = bytesOf(folder, file);
    const at = draw.below(bytes.length + 1);
    const to = Math.min(bytes.length, at + 1 + draw.below(600));
    if (bytes.subarray(at, to).every((byte) => byte === 0)) return undefined;
    put(folder, file, bytes.fill(0, at, to));
    return `${at} to ${to}`;
  },
  'numbers inverted in it': (draw, folder, file) => {
    const bytes = bytesOf(folder, file);
    const at = 4 * draw.below((bytes.length >>> 2) + 1);
    const to = Math.min(bytes.length, at + 4 * (1 + draw.below(64)));
    if (at === to) return undefined;
    for (let i = at; i < to; i++) bytes[i] ^= 0xff;
    put(folder, file, bytes);
    return `${at} to ${to}`;
  },
  'a block twice': (draw, folder, file) => {
    const bytes = bytesOf(folder, file);
    const length = 1 + draw.below(Math.min(2048, (bytes.length >>> 1) + 1));
    const from = draw.below(bytes.length - length + 1);
    const to = draw.below(bytes.length - length + 1);
    const before = Buffer.from(bytes);
    bytes.copyWithin(to, from, from + length);
    if (bytes.equals(before)) return undefined;
    put(folder, file, bytes);
    return `${length} bytes from ${from} over ${to}`;
  },
  'bytes put in': (draw, folder, file) => {
    const bytes = bytesOf(folder, file);
    const at = draw.below(bytes.length + 1);
    const more = Buffer.from(Array.from({ length: 1 + draw.below(40) }, () => draw.below(256)));
    put(folder, file, Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]));
    return `${more.length} at ${at}`;
  },
  'bytes appended': (draw, folder, file) => {
    const tail = ['\n', '{}\n', '\0\0\0\0', '{"kind":"result","test":{}}\n', 'x'.repeat(512)][draw.below(5)];
    put(folder, file, Buffer.concat([bytesOf(folder, file), Buffer.from(tail)]));
    return JSON.stringify(tail.slice(0, 30));
  },
  emptied: (_draw, folder, file) => {
    if (bytesOf(folder, file).length === 0) return undefined;
    put(folder, file, '');
    return '';
  },
  removed: (_draw, folder, file) => {
    rmSync(join(folder, file));
    return '';
  },
  'swapped with another': (draw, folder, file, { files }) => {
    const other = files[draw.below(files.length)];
    const [one, two] = [bytesOf(folder, file), bytesOf(folder, other)];
    if (one.equals(two)) return undefined;
    put(folder, file, two);
    put(folder, other, one);
    return other;
  },
  'replaced by another': (draw, folder, file, { files }) => {
    const other = files[draw.below(files.length)];
    if (bytesOf(folder, file).equals(bytesOf(folder, other))) return undefined;
    copyFileSync(join(folder, other), join(folder, file));
    return other;
  },
  'that of a sibling': (_draw, folder, file, { sibling }) => {
    if (sibling === undefined || !existsSync(join(sibling, file))) return undefined;
    if (bytesOf(folder, file).equals(bytesOf(sibling, file))) return undefined;
    copyFileSync(join(sibling, file), join(folder, file));
    return '';
  },
  'a value edited': (draw, folder, file) => editJson(draw, folder, file) ?? editYaml(draw, folder, file),
  'indented otherwise': (draw, folder, file) => {
    if (!file.endsWith('.yaml')) return undefined;
    const lines = bytesOf(folder, file).toString().split('\n');
    const line = draw.below(lines.length);
    lines[line] =
      draw.uniform() < 0.5
        ? `${[' ', '\t', '- ', '? ', '&a ', '!!str '][draw.below(6)]}${lines[line]}`
        : lines[line].trimStart();
    put(folder, file, lines.join('\n'));
    return `line ${line}`;
  },
  'a value edited, and the checksum left out': (draw, folder, file) => editJson(draw, folder, file, true),
  'lines in another order': (draw, folder, file) => {
    if (!file.endsWith('.jsonl')) return undefined;
    const lines = bytesOf(folder, file).toString().split('\n').slice(0, -1);
    const [a, b] = [draw.below(lines.length), draw.below(lines.length)];
    if (lines[a] === lines[b]) return undefined;
    [lines[a], lines[b]] = [lines[b], lines[a]];
    put(folder, file, `${lines.join('\n')}\n`);
    return `${a} and ${b}`;
  },
};

function editYaml(draw: Random, folder: string, file: string): string | undefined {
  if (!file.endsWith('.yaml')) return undefined;
  const value: unknown = parse(bytesOf(folder, file).toString());
  const what = editSomewhere(draw, value);
  if (what !== undefined) put(folder, file, stringify(value));
  return what;
}

/** Changes a value of a JSON file, or of a line of one with lines, so that it is JSON still. */
function editJson(draw: Random, folder: string, file: string, unseal = false): string | undefined {
  if (!/\.jsonl?$/.test(file)) return undefined;
  const text = bytesOf(folder, file).toString();
  const lines = file.endsWith('.jsonl') ? text.split('\n').slice(0, -1) : [text];
  const line = draw.below(lines.length);
  const value: unknown = JSON.parse(lines[line]);
  const indent = /^\{\n( *)/.exec(text)?.[1].length;
  if (unseal && typeof value === 'object' && value !== null) {
    if (!('checksum' in value)) return undefined;
    delete value.checksum;
  }
  const what = editSomewhere(draw, value);
  if (what === undefined) return undefined;
  lines[line] = JSON.stringify(value, undefined, indent);
  put(folder, file, `${lines.join('\n')}\n`);
  return what;
}

/** Walks down to a value at random, and changes it. */
function editSomewhere(draw: Random, root: unknown): string | undefined {
  let holder: Record<string, unknown> | undefined;
  let key = '';
  let path = '';
  for (let value = root; typeof value === 'object' && value !== null; value = holder[key]) {
    const keys = Object.keys(value);
    if (keys.length === 0) break;
    holder = value as Record<string, unknown>;
    key = keys[draw.below(keys.length)];
    path += `/${key}`;
    if (draw.uniform() < 0.05) break;
  }
  if (holder === undefined) return undefined;
  const before = JSON.stringify(holder[key]);
  if (draw.uniform() < 0.1) delete holder[key];
  else holder[key] = edited(draw, holder[key]);
  const after = JSON.stringify(holder[key]);
  return before === after ? undefined : `${path}: ${before?.slice(0, 40)} -> ${after?.slice(0, 40)}`;
}

function edited(draw: Random, value: unknown): unknown {
  if (typeof value === 'number') return [value + 1, value - 1, -value, value * 2, 0, 1e300, null][draw.below(7)];
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string')
    return [`${value}x`, value.slice(1), '', '../../../etc/passwd', value.toUpperCase(), 7, null][draw.below(7)];
  return [null, [], {}, 'x', 3, [[[]]]][draw.below(6)];
}

/** All plain files below a folder, by their paths inside, in order. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

export interface Trial {
  /** A whole folder. */
  golden: string;
  /** Where damaged copies lie: the one place that `use` knows. */
  place: string;
  /** Another whole folder of the kind, whose files may be mixed in. */
  sibling?: string;
  /** Works with what lies at `place`; returns what must not change. */
  use: () => Promise<unknown>;
  damages: number;
  seed: number;
  /** Which files to damage. Default: all. */
  only?: (file: string) => boolean;
}

export interface Tally {
  refused: number;
  equal: number;
  /** What was neither: silently different, or a fault of the program. */
  wrong: string[];
}

/** Damages copies of a folder, one after another, and counts what becomes of each. */
export async function tryDamages({
  golden,
  place,
  sibling,
  use,
  damages,
  seed,
  only = () => true,
}: Trial): Promise<Tally> {
  const restore = (): void => {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(dirname(place), { recursive: true });
    cpSync(golden, place, { recursive: true, preserveTimestamps: true });
  };
  restore();
  const expected = JSON.stringify(await use());
  const tally: Tally = { refused: 0, equal: 0, wrong: [] };
  const kinds = Object.keys(KINDS);
  const files = filesIn(golden);
  const aims = files.filter(only);
  for (let i = 0, tries = 0; i < damages; tries++) {
    const draw = random('damage', seed, tries);
    // Every kind and every file in turn, whatever their numbers.
    const kind = kinds[tries % kinds.length];
    const file = aims[draw.below(aims.length)];
    restore();
    const what = KINDS[kind](draw, place, file, { files, sibling });
    if (what === undefined) continue;
    i++;
    const title = `${file}, ${kind} ${what} (try ${tries})`;
    try {
      const found = JSON.stringify(await use());
      if (found === expected) tally.equal++;
      else tally.wrong.push(`${title}: another result, ${difference(expected, found)}`);
    } catch (cause) {
      if (isRefusal(cause)) tally.refused++;
      else tally.wrong.push(`${title}: ${(cause as Error)?.stack ?? cause}`);
    }
  }
  return tally;
}

/** An error that the command line shows as a message, without a stack trace. */
export const isRefusal = (cause: unknown): boolean => cause instanceof TributaryError && cause.exitCode !== 1;

function difference(expected: string, found: string): string {
  const at = [...expected].findIndex((char, i) => char !== found[i]);
  return `${expected.slice(Math.max(0, at - 60), at + 60)} | ${found.slice(Math.max(0, at - 60), at + 60)}`;
}
