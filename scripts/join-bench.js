/**
 * How fast and how large is `tributary join`? Writes a log of drawn answers of an artifact, joins it in a process of its own, and says rows a
 * second, processor seconds and the maximum of resident memory.
 *
 *   node scripts/join-bench.js ARTIFACT FOLDER [--answers 5000000] [--items 10] [--reactions 500000] [--days 2] [--memory-limit 1GB] [--lines 3]
 *
 * Lines are those of a service whose requests bring all values (`event/3`), or with `--lines 1` events that name everything (`event/1`).
 * FOLDER/log is kept and used again.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const option = (initial) => ({ type: 'string', default: initial });
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    answers: option('5000000'),
    items: option('10'),
    reactions: option('500000'),
    days: option('2'),
    'memory-limit': option('1GB'),
    lines: option('3'),
  },
});
if (positionals.length !== 2) throw new Error('expected: node scripts/join-bench.js ARTIFACT FOLDER');
const [artifact, folder] = positionals;
const [answers, items, reactions, days] = ['answers', 'items', 'reactions', 'days'].map((name) => Number(values[name]));

if (!['1', '3'].includes(values.lines)) throw new Error(`--lines is 1 or 3, not ${values.lines}`);

const DAY = 86_400_000;
const START = Date.parse('2026-11-01');
const SEGMENT_BYTES = 64e6;

const { name, id, data } = JSON.parse(readFileSync(join(artifact, 'manifest.json'), 'utf8'));
const log = join(folder, 'log');
mkdirSync(folder, { recursive: true });
if (!existsSync(log)) {
  rmSync(`${log}.part`, { recursive: true, force: true });
  mkdirSync(`${log}.part`);
  writeLog(`${log}.part`);
  renameSync(`${log}.part`, log);
}
const tasks = Object.fromEntries(data.tasks.map((task) => [task, { window: '1d' }]));
const config = join(folder, 'join.json');
// All answers are without sequences: those that the artifact reads are filled.
const filled = (data.sequences?.types ?? []).map((type) => [type, { type: data.tasks[0] }]);
writeFileSync(config, JSON.stringify({ artifact, tasks, sequences: Object.fromEntries(filled) }));
console.log(JSON.stringify(await measure()));

/** Segments as a service writes them. The state of the generator makes equal logs of equal options. */
function writeLog(into) {
  let state = 1;
  const draw = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const tokens = Object.fromEntries(
    data.fields.map((field) => {
      const known = field.vocabulary && JSON.parse(readFileSync(join(artifact, field.vocabulary), 'utf8'));
      return [field.name, known?.length > 0 ? known : ['1', '2', '3']];
    }),
  );
  const drawValue = ({ name: field, kind }) => {
    const token = () => tokens[field][draw(tokens[field].length)];
    if (kind === 'numeric') return draw(10_000) / 100;
    return kind === 'multi' ? [token(), token()] : token();
  };
  const half = Math.ceil(data.fields.length / 2);
  const [shared, own] = [data.fields.slice(0, half), data.fields.slice(half)];
  const valuesOf = (fields) => Object.fromEntries(fields.map((field) => [field.name, drawValue(field)]));
  const probabilities = () => Object.fromEntries(data.tasks.map((task) => [task, draw(1e6) / 1e6]));

  let [number, file, bytes, lines] = [0, undefined, 0, []];
  const flush = () => {
    if (lines.length === 0) return;
    const text = Buffer.from(lines.join(''));
    writeSync(file, text);
    bytes += text.length;
    lines = [];
    if (bytes < SEGMENT_BYTES) return;
    closeSync(file);
    file = undefined;
  };
  /** Shown are all, the best first: the request brought them in the reverse order. */
  const itemsOf = (ranked) => {
    if (values.lines === '1')
      return {
        items: ranked.map(({ id, values, ...answer }, i) => ({ item_id: id, position: i + 1, ...answer, values })),
      };
    return {
      items: ranked.map(({ id, score, probabilities }) => ({ id, score, probabilities })),
      order: ranked.map((_, i) => ranked.length - 1 - i),
      sent: ranked.map(({ id, values }) => ({ id, ...values })).reverse(),
    };
  };
  const add = (event) => {
    if (file === undefined) {
      const time = new Date(event.time).toISOString().replaceAll(/[-:.]/g, '');
      file = openSync(join(into, `${time}-${String(number++).padStart(6, '0')}.1-1-0123abcd-0.jsonl`), 'w');
      bytes = 0;
    }
    const schema = `event/${event.kind === 'impression' ? values.lines : 1}`;
    lines.push(`${JSON.stringify({ schema, ...event })}\n`);
    if (lines.length === 2000) flush();
  };
  for (let n = 0; n < answers; n++) {
    const time = START + Math.floor((n / answers) * days * DAY);
    const ranked = Array.from({ length: items }, () => ({
      id: String(draw(100_000)),
      score: draw(1e6) / 1e6,
      probabilities: probabilities(),
      values: valuesOf(own),
    }));
    const request_id = `${n.toString(16).padStart(8, '0')}-5d2f-4e1a-9c41-8f3b6d0a7e25`;
    add({
      event_id: `i${request_id}`,
      kind: 'impression',
      time,
      request_id,
      scenario: data.scenarios[draw(data.scenarios.length)],
      unit: `user ${draw(200_000)}`,
      model: `${name}@${id}`,
      score_hash: '0123456789abcdef',
      policy: { kind: 'deterministic' },
      candidates: 100,
      ...itemsOf(ranked),
      values: valuesOf(shared),
    });
    if (draw(answers) >= reactions) continue;
    const item_id = ranked[draw(items)].id;
    const type = data.tasks[draw(data.tasks.length)];
    add({ event_id: `r${request_id}`, kind: 'interaction', time: time + draw(DAY), request_id, item_id, type });
  }
  flush();
  if (file !== undefined) closeSync(file);
}

/** Joins from the beginning; memory is looked at ten times a second, and the maximum is that of the system. */
async function measure() {
  const out = join(folder, 'rows');
  rmSync(out, { recursive: true, force: true });
  const child = spawn(
    process.execPath,
    [
      'bin/tributary.js',
      'join',
      log,
      '--config',
      config,
      '--out',
      out,
      '--memory-limit',
      values['memory-limit'],
      '--json',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  let [most, ticks] = [0, 0];
  const look = setInterval(() => {
    try {
      const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      most = Math.max(most, Number(kilobytes ?? 0));
      // Behind the name in parentheses: user and system time are the fields 14 and 15, in hundredths of a second.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      ticks = Number(fields[11]) + Number(fields[12]);
    } catch {
      // It has ended.
    }
  }, 100);
  const code = await new Promise((done) => child.on('close', done));
  clearInterval(look);
  if (code !== 0) throw new Error(`join ended with ${code}`);
  const { seconds, rowsPerSecond, rows, interactions, read } = JSON.parse(text.trim().split('\n').at(-1));
  return {
    rows: rows.count,
    seconds,
    rowsPerSecond,
    cpuSeconds: ticks / 100,
    peakMegabytes: Math.round(most / 1024),
    logBytes: read.bytes,
    matched: interactions.matched,
  };
}
