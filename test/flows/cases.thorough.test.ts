/** The flow test on data of every shape, against what was planted. */
import { describe, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { FLOW_NAMES, type FlowDocument, flowDocumentSchema } from '../../src/documents/flows.ts';
import { analyseFlows, flowDocument, flowOptions, inMemory } from '../../src/flows/index.ts';
import type { FlowField, FlowRows } from '../../src/flows/rows.ts';
import { flowTestText } from '../../src/report/flows.ts';

interface Planted {
  seed?: number;
  scenarios?: number;
  tasks?: number;
  rows?: number;
  /** Field of each flow: one for all is full overlap. */
  fieldOf?: (flow: number) => number;
  /** Flow and cell, as numbers from 0. */
  noise?: [number, number][];
  funnel?: boolean;
  strength?: number;
  /** Of each flow, in place of `strength`. */
  strengths?: number[];
  levels?: number;
}

/** Labels by four flows, each through a field of its own unless `fieldOf` says otherwise. */
function world(planted: Planted): FlowRows {
  const { seed = 1, scenarios: S = 3, tasks: T = 2, rows: n = 20_000, noise = [], levels = 6 } = planted;
  const { fieldOf = (k) => k, funnel = false, strength = 0.8 } = planted;
  const draw = random('flow-cases', seed);
  const exists = [true, S > 1 && T > 1, T > 1, S > 1];
  const tables = [0, 1, 2, 3].map((k) => effects(() => draw.normal(), { S, T, L: levels }, k));
  const ids = Array.from({ length: 4 }, () => Int32Array.from({ length: n }, () => draw.below(levels)));
  const scenario = Int32Array.from({ length: n }, () => draw.below(S));
  const labels = new Float64Array(n * T);
  for (let row = 0; row < n; row++)
    for (let t = 0; t < T; t++) {
      const s = scenario[row];
      let logit = funnel ? 0.3 : -0.5;
      for (const [k, table] of tables.entries())
        if (exists[k] && !noise.some(([flow, cell]) => flow === k && cell === s * T + t))
          logit += (planted.strengths?.[k] ?? strength) * table[(s * T + t) * levels + ids[fieldOf(k)][row]];
      const before = t === 0 || !funnel ? 1 : labels[row * T + t - 1];
      labels[row * T + t] = before === 1 && draw.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
    }
  const fields = [...new Set([0, 1, 2, 3].map(fieldOf))].map(
    (j): FlowField => ({ ...field(`f${j}`, levels), ids: ids[j] }),
  );
  return { scenarios: S, tasks: T, rows: n, scenario, labels, fields };
}

const field = (name: string, levels: number): Omit<FlowField, 'ids'> => ({ name, levels, slots: 1 });

/** [S, T, L] effects of a flow: with mean 0 over levels, over scenarios where specific to them, over tasks likewise; variance 1. */
function effects(normal: () => number, { S, T, L }: { S: number; T: number; L: number }, flow: number): number[] {
  const byScenario = flow === 1 || flow === 3;
  const byTask = flow === 1 || flow === 2;
  const all = Array.from({ length: S * T * L }, normal);
  const at = (s: number, t: number, l: number): number => ((byScenario ? s : 0) * T + (byTask ? t : 0)) * L + l;
  const raw = all.map((_, i) => all[at(Math.floor(i / (T * L)), Math.floor(i / L) % T, i % L)]);
  const axes: [boolean, number, number][] = [
    [byScenario, S, T * L],
    [byTask, T, L],
    [true, L, 1],
  ];
  const centred = axes.reduce((values, [is, n, stride]) => (is ? minusMeans(values, n, stride) : values), raw);
  const size = Math.sqrt(centred.reduce((sum, x) => sum + x * x, 0) / centred.length);
  return centred.map((x) => (size === 0 ? 0 : x / size));
}

/** Takes the mean along one axis away. */
function minusMeans(values: number[], n: number, stride: number): number[] {
  return values.map((value, i) => {
    const first = i - (Math.floor(i / stride) % n) * stride;
    let sum = 0;
    for (let k = 0; k < n; k++) sum += values[first + k * stride];
    return value - sum / n;
  });
}

async function documentOf(rows: FlowRows, options: object = {}): Promise<FlowDocument> {
  const { scenarios: S, tasks: T, rows: n } = rows;
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  const parsed = flowOptions.parse(options);
  const about = { data: 'cases', dataHash: 'x', source: 'labels' as const, rows: n, of: n };
  const found = flowDocument(
    { ...about, scenarios: names('s', S), tasks: names('t', T), orderedTasks: parsed.orderedTasks },
    await analyseFlows(inMemory(rows), parsed),
    [],
  );
  return flowDocumentSchema.parse(found);
}

/** Claims as [flow, cell], from 0. */
const claims = ({ flows, fields, tasks }: FlowDocument, wanted = 'useless'): [number, number][] =>
  flows
    .filter(({ flow, verdict }) => verdict === wanted && fields.some(({ reads }) => reads[flow - 1]))
    .map(({ flow, scenario, task }) => [flow - 1, Number(scenario.slice(1)) * tasks.length + Number(task.slice(1))]);

const readers = ({ fields }: FlowDocument): string[][] =>
  FLOW_NAMES.map((_, k) => fields.filter(({ reads }) => reads[k]).map((of) => of.field));

const NOISE: [number, number][] = [
  [1, 0],
  [3, 2],
  [2, 3],
  [0, 5],
];
const byCell = (a: [number, number], b: [number, number]): number => a[1] - b[1] || a[0] - b[0];

describe('what is planted is found', () => {
  test('noise in four cells, and the fields of each flow; nothing without noise', async () => {
    const found = await documentOf(world({ noise: NOISE }));
    expect(claims(found).sort(byCell)).toEqual([...NOISE].sort(byCell));
    expect(readers(found)).toEqual([['f0'], ['f1'], ['f2'], ['f3']]);
    expect(claims(await documentOf(world({ seed: 2 })))).toEqual([]);
  });

  test('one scenario has flows 1 and 3, one task flows 1 and 4, one cell flow 1', async () => {
    const possible = (found: FlowDocument): string[][] => readers(found);
    const scenario = await documentOf(world({ scenarios: 1, tasks: 3, noise: [[0, 1]] }));
    expect(possible(scenario)).toEqual([['f0'], [], ['f2'], []]);
    expect(claims(scenario)).toEqual([[0, 1]]);
    const task = await documentOf(world({ tasks: 1, scenarios: 4, noise: [[3, 2]] }));
    expect(possible(task)).toEqual([['f0'], [], [], ['f3']]);
    expect(claims(task)).toEqual([[3, 2]]);
    expect(possible(await documentOf(world({ scenarios: 1, tasks: 1 })))).toEqual([['f0'], [], [], []]);
    for (const { verdict, reason } of scenario.flows.filter(({ flow }) => flow === 2))
      expect({ verdict, reason }).toEqual({ verdict: 'useless', reason: expect.stringContaining('one scenario') });
  });

  test('labels that are missing at random change nothing but the evidence', async () => {
    const rows = world({ noise: NOISE, rows: 30_000 });
    const draw = random('missing', 1);
    for (let i = 0; i < rows.labels.length; i++) if (draw.uniform() < 0.3) rows.labels[i] = Number.NaN;
    expect(claims(await documentOf(rows)).sort(byCell)).toEqual([...NOISE].sort(byCell));
  });

  test('of steps (click, then purchase), each is asked of rows that reached it', async () => {
    const rows = world({ funnel: true, rows: 40_000, noise: NOISE });
    expect(claims(await documentOf(rows, { orderedTasks: true })).sort(byCell)).toEqual([...NOISE].sort(byCell));
  });

  test('of values of a multi-value field', async () => {
    const rows = world({ noise: NOISE });
    const draw = random('tags', 1);
    // The field of flow 1 as the first of up to two tags; the second says nothing, and there may be none.
    const tags = Int32Array.from({ length: 2 * rows.rows }, (_, i) =>
      i % 2 === 0 ? rows.fields[0].ids[i >> 1] : draw.uniform() < 0.3 ? 6 + draw.below(3) : -1,
    );
    const fields = [{ name: 'tags', levels: 9, slots: 2, ids: tags }, ...rows.fields.slice(1)];
    const found = await documentOf({ ...rows, fields });
    expect(claims(found).sort(byCell)).toEqual([...NOISE].sort(byCell));
    expect(readers(found)[0]).toEqual(['tags']);
  });
});

describe('nothing is claimed', () => {
  test('where all flows read the same field', async () => {
    expect(claims(await documentOf(world({ fieldOf: () => 0, noise: NOISE })))).toEqual([]);
  });

  test('nor where one flow has nearly all of a field that all read: others could take its place in a cell', async () => {
    const found = await documentOf(
      world({ seed: 2, rows: 10_000, fieldOf: () => 0, strengths: [0.2, 0.5, 0.2, 0.8], levels: 5 }),
    );
    expect(claims(found)).toEqual([]);
    expect(claims(found, 'likely useless').length).toBeGreaterThan(0);
    expect(found.flows.map(({ reason }) => reason ?? '').join()).toContain('could take its place');
  });

  test('where ids alone carry everything', async () => {
    const found = await documentOf(world({ fieldOf: (k) => k % 2, levels: 100, noise: NOISE, rows: 30_000 }));
    expect(claims(found)).toEqual([]);
  });

  test('about a cell with few positives, which is named', async () => {
    const rows = world({ noise: NOISE });
    let positives = 0;
    for (let row = 0; row < rows.rows; row++)
      if (rows.scenario[row] === 1 && rows.labels[row * 2] === 1 && ++positives > 9) rows.labels[row * 2] = 0;
    const found = await documentOf(rows);
    const silent = found.flows.filter(({ scenario, task }) => scenario === 's1' && task === 't0');
    expect(silent.map(({ verdict }) => verdict)).toEqual(new Array(4).fill('undecided'));
    expect(found.notes.join()).toContain('s1/t0');
    expect(flowTestText(found)).toMatch(/s1 +t0( +- \?){4}/);
    expect(claims(found)).not.toContainEqual([3, 2]);
    expect(claims(found)).toContainEqual([0, 5]);
  });

  test('about a flow that so few rows cannot show', async () => {
    const rows = world({ rows: 300, strength: 0.5 });
    const found = await documentOf(rows);
    for (const { flow, verdict } of found.flows)
      if (readers(found)[flow - 1].length === 0) expect(verdict).toBe('undecided');
    expect(claims(found)).toEqual([]);
  });

  test('with labels that no field explains', async () => {
    const found = await documentOf(world({ strength: 0 }));
    expect(readers(found)).toEqual([[], [], [], []]);
    expect(new Set(found.flows.map(({ verdict }) => verdict))).toEqual(new Set(['undecided']));
  });
});

test('a flow that is not there is called useless where rows are many, with a limit of what a field could bring', async () => {
  const rows = world({ noise: [0, 1, 2, 3, 4, 5].map((cell): [number, number] => [3, cell]) });
  const found = await documentOf(rows);
  expect(readers(found)[3]).toEqual([]);
  for (const { p, verdict, flow } of found.flows.filter((of) => of.flow === 4)) {
    expect({ flow, verdict }).toEqual({ flow: 4, verdict: 'useless' });
    expect(p).toBeLessThanOrEqual(0.05);
  }
  const [limit] = found.absent ?? [];
  expect(limit.share).toBeGreaterThan(0);
  expect(limit.share).toBeLessThan(0.05);
});

test('a constant field is no evidence, and levels that one scenario alone has are none about scenarios', async () => {
  const rows = world({ noise: NOISE });
  const constant = { ...field('constant', 3), ids: new Int32Array(rows.rows).fill(2) };
  const nested = { ...field('nested', 18), ids: rows.fields[1].ids.map((id, row) => rows.scenario[row] * 6 + id) };
  const found = await documentOf({ ...rows, fields: [rows.fields[0], nested, ...rows.fields.slice(2), constant] });
  expect(found.fields.map((of) => of.field)).not.toContain('constant');
  const { reads } = found.fields.find((of) => of.field === 'nested') as FlowDocument['fields'][number];
  expect([reads[1], reads[3]]).toEqual([false, false]);
  expect(found.notes.join()).toContain('nested');
});

describe('weights of rows', () => {
  const rows = world({ noise: NOISE, rows: 12_000 });
  const strengths = async (of: FlowRows): Promise<number[]> =>
    (await documentOf(of)).flows.map(({ strength }) => strength);

  test('of any scale are none where they are equal; rows of weight 0 do not count', async () => {
    const scaled = await strengths({ ...rows, weight: new Float64Array(rows.rows).fill(7) });
    for (const [i, strength] of (await strengths(rows)).entries()) expect(scaled[i]).toBeCloseTo(strength, 6);
    const wrong = { ...rows, labels: rows.labels.slice() };
    const weight = Float64Array.from({ length: rows.rows }, (_, row) => (row < 4000 ? 0 : 1));
    wrong.labels.fill(1, 0, 4000 * rows.tasks);
    expect(claims(await documentOf({ ...wrong, weight })).sort(byCell)).toEqual([...NOISE].sort(byCell));
  });

  test('that vary leave less evidence', async () => {
    const draw = random('weights', 1);
    const weight = Float64Array.from({ length: rows.rows }, () => (draw.uniform() < 0.1 ? 10 : 0.1));
    const error = async (of: FlowRows): Promise<number> => {
      const { terms } = await analyseFlows(inMemory(of), flowOptions.parse({ misfit: 0 }));
      return terms[0].K[0];
    };
    expect(await error({ ...rows, weight })).toBeGreaterThan(4 * (await error(rows)));
  });
});

test('64 scenarios end in seconds, and make no false claim', async () => {
  const began = process.cpuUsage();
  const noise: [number, number][] = [
    [0, 7],
    [3, 40],
  ];
  const found = await documentOf(world({ scenarios: 64, rows: 60_000, strength: 1, noise }));
  const { user } = process.cpuUsage(began);
  for (const claim of claims(found)) expect(noise).toContainEqual(claim);
  expect(user / 1e6).toBeLessThan(60);
});
