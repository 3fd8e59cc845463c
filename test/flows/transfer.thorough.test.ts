/** Transfer on worlds with planted flows, row by row from the world itself: no files, no training. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../../src/data/synthetic/world.ts';
import { transferSchema } from '../../src/documents/transfer.ts';
import { analyseFlows, type FlowAnalysis, flowOptions } from '../../src/flows/analysis.ts';
import { linear } from '../../src/flows/numeric/logistic.ts';
import { type FlowRows, inMemory } from '../../src/flows/rows.ts';
import { flowScores, learnedFlows, levelEffects } from '../../src/flows/scores.ts';
import { additiveScores, MOST_SOURCES } from '../../src/flows/transfer/additive.ts';
import { type CellTransfer, claimed, measureCells } from '../../src/flows/transfer/cells.ts';
import { transferDocument } from '../../src/flows/transfer/document.ts';
import { pairEffects } from '../../src/flows/transfer/effects-of-cells.ts';
import { transferMarkdown, transferText } from '../../src/report/transfer.ts';
import { solve } from './dense.ts';
import { rowsOf } from './planted-rows.ts';

const options = flowOptions.parse({});
const logit = (p: number): number => Math.log(p / (1 - p));

interface Found {
  world: World;
  train: FlowRows;
  held: FlowRows;
  analysis: FlowAnalysis;
}

const TRAIN = 20_000;
const HELD = 10_000;

async function find(
  input: Parameters<typeof createWorld>[0],
  change: (rows: FlowRows) => FlowRows = (rows) => rows,
  heldRows = HELD,
): Promise<Found> {
  const world = createWorld(input);
  const [train, held] = [change(rowsOf(world, 0, TRAIN)), change(rowsOf(world, TRAIN, heldRows))];
  return { world, train, held, analysis: await analyseFlows(inMemory(train), options) };
}

/** `logits`: of a row, the model's logits [T]; default: the additive ranker that shares everything. */
function measure(
  { world, train, held, analysis: { effects, terms, verdicts } }: Found,
  logits?: (encounter: ReturnType<World['row']>) => number[],
  more: { orderedTasks?: boolean; against?: Float32Array } = {},
): CellTransfer[] {
  const learned = learnedFlows(effects, terms, verdicts, train.scenarios, train.tasks);
  return measureCells({
    rows: held,
    scores: flowScores(learned, held),
    additive: additiveScores(effects, terms, verdicts, train, held),
    ...(logits && {
      model: Float32Array.from(Array.from({ length: HELD }, (_, i) => logits(world.row(TRAIN + i))).flat()),
    }),
    orderedTasks: false,
    minCount: 10,
    ...more,
  });
}

const documentOf = (
  { world, train, held, analysis }: Found,
  cells: CellTransfer[],
  run?: string,
  scenarios = world.planted.scenarios.slice(0, train.scenarios),
) =>
  transferDocument(
    {
      data: 'world',
      dataHash: '0',
      rows: TRAIN,
      of: TRAIN,
      validationRows: held.rows,
      scenarios,
      tasks: world.planted.tasks.slice(0, train.tasks),
      orderedTasks: false,
      ...(run !== undefined && { run }),
    },
    analysis,
    cells,
  );

describe('a rare cell without the shared flow', () => {
  const lacking = [{ scenario: 2, task: 0, flow: 1 }];
  let found: Found;
  beforeAll(async () => {
    found = await find({ seed: 31, shares: [45, 45, 10], noiseFlows: lacking });
  });

  test('sharing everything lets it through and costs AUC there; the document and its text say so', () => {
    const document = documentOf(found, measure(found));
    expect(transferSchema.parse(document)).toEqual(document);
    const claims = document.flows.filter(({ negative }) => negative);
    expect(claims).toMatchObject([{ scenario: 'detail', task: 'click', flow: 1, verdict: 'useless' }]);
    const { labels, model, aucChange } = claims[0].measured as NonNullable<(typeof claims)[0]['measured']>;
    expect(labels.high).toBeLessThan(0.5);
    expect(model.low).toBeGreaterThan(0.1);
    expect(aucChange.value).toBeGreaterThan(0.005);
    const text = transferText(document);
    expect(text).toMatch(
      /detail\/click: a ranker that shares everything lets the shared flow through at strength 0\.\d\d/,
    );
    expect(text).toMatch(/^detail +click .* negative/m);
    expect(transferMarkdown(document)).toMatch(/\| detail \| click \|.*negative/);
  });

  test('a model that knows the truth lets nothing through; one that ignores the exception does, and cost and excess say how much', () => {
    const truth = (encounter: ReturnType<World['row']>): number[] => found.world.probabilities(encounter).map(logit);
    const right = documentOf(found, measure(found, truth), 'runs/right');
    expect(right.flows.filter(({ negative }) => negative)).toEqual([]);
    expect(transferText(right)).toMatch(
      /No negative transfer found: the model lets through nothing of the 1 flow of a cell/,
    );
    const careless = (encounter: ReturnType<World['row']>): number[] =>
      truth(encounter).map((value, t) =>
        encounter.scenario === 2 && t === 0 ? value + 1.2 * found.world.effects(encounter)[t][0] : value,
      );
    const cells = measure(found, careless);
    const claims = documentOf(found, cells, 'runs/careless').flows.filter(({ negative }) => negative);
    expect(claims).toMatchObject([{ scenario: 'detail', task: 'click', flow: 1 }]);
    // The whole flow passes: strength 1, an excess of 1.
    expect(claims[0].measured?.model.value).toBeCloseTo(1, 0);
    expect(claims[0].measured?.excess.low).toBeLessThan(1.1);
    expect(claims[0].measured?.excess.high).toBeGreaterThan(0.8);
    expect(claims[0].measured?.loglossChange.high).toBeLessThan(0);
  });

  test('one model against another: what was planted is gained', () => {
    const { world, held } = found;
    const blind = Float32Array.from({ length: HELD * held.tasks }, (_, i) => (i % 7) / 7);
    const cells = measure(found, (encounter) => world.probabilities(encounter).map(logit), { against: blind });
    for (const { models } of cells) expect(models?.aucChange.low).toBeGreaterThan(0.1);
    expect(documentOf(found, cells, 'runs/right').cells.map(({ models }) => models?.verdict)).toEqual(
      new Array(6).fill('gains'),
    );
  });
});

describe('worlds in which little can be said', () => {
  test('without exceptions nothing is claimed, and sharing helps the rare cells', async () => {
    const found = await find({ seed: 32, shares: [48, 48, 4], noiseFlows: [] });
    const cells = measure(found);
    expect(documentOf(found, cells).flows.filter(({ negative }) => negative)).toEqual([]);
    const gain = (c: number): number => cells[c].selective?.aucChange.value ?? Number.NaN;
    expect(gain(4) + gain(5)).toBeGreaterThan(0);
    expect(transferText(documentOf(found, cells))).toMatch(/Negative transfer cannot be tested/);
  });

  test.each([
    [1, 1, 'One scenario and one task: there is nothing to share.'],
    [1, 2, 'One scenario: tasks share with each other, scenarios cannot.'],
    [2, 1, 'One task: scenarios share with each other, tasks cannot.'],
  ])('%i scenarios, %i tasks', async (scenarios, tasks, note) => {
    const found = await find({ seed: 33, scenarios, tasks });
    const cells = measure(found);
    expect(cells).toHaveLength(scenarios * tasks);
    const document = documentOf(found, cells);
    expect(document.notes).toContain(note);
    expect(document.flows.some(({ negative }) => negative)).toBe(false);
    for (const { selective } of cells) expect(selective?.auc).toBeGreaterThan(0.6);
    if (scenarios * tasks === 1) expect(Math.abs(cells[0].selective?.aucChange.value ?? 1)).toBeLessThan(0.005);
  });

  test('missing labels, and a cell without enough positives', async () => {
    const found = await find({ seed: 34, noiseFlows: [] }, (rows) => ({
      ...rows,
      labels: rows.labels.map((label, i) => {
        const [row, t] = [i >> 1, i % 2];
        if (rows.scenario[row] === 1 && t === 1) return row % 2000 === 0 ? 1 : 0;
        return row % 5 === 0 ? Number.NaN : label;
      }),
    }));
    const cells = measure(found);
    expect(cells[3]).toMatchObject({
      positives: expect.any(Number),
      flows: [undefined, undefined, undefined, undefined],
    });
    expect(cells[3].selective).toBeUndefined();
    const { cells: lines } = documentOf(found, cells);
    expect(lines[3].reason).toBe('too few positives or negatives among the validation rows');
    expect(cells[0].rows).toBeLessThan(HELD);
    expect(cells[0].selective?.auc).toBeGreaterThan(0.7);
  });

  test('ordered tasks: the logits of a step are taken given the step before it', async () => {
    const found = await find({ seed: 35, funnel: true, noiseFlows: [] });
    found.analysis = await analyseFlows(inMemory(found.train), { ...options, orderedTasks: true });
    const cells = measure(found, (encounter) => found.world.probabilities(encounter).map(logit), {
      orderedTasks: true,
    });
    for (const { flows } of cells)
      for (const flow of flows) {
        // Given the click, the truth lets through what the labels carry; P(buy) itself would add the flows of the click.
        if (flow !== undefined) expect(Math.abs(flow.excess.value)).toBeLessThan(0.35);
      }
  });
});

describe('the rows of one other scenario', () => {
  /** One scenario's rows, dealt to three: a rare one, one alike, and one whose labels are the opposite. */
  const dealt = (rows: FlowRows): FlowRows => {
    const scenario = rows.scenario.map((_, row) => (row % 20 === 0 ? 0 : 1 + (row % 2)));
    const labels = rows.labels.map((label, i) => (scenario[Math.floor(i / rows.tasks)] === 2 ? 1 - label : label));
    return { ...rows, scenarios: 3, scenario, labels };
  };

  test('help where effects are the same and hurt where they are the opposite; document and text say so', async () => {
    const found = await find({ seed: 36, scenarios: 1 }, dealt, 60_000);
    const cells = measure(found);
    for (const { sources } of cells.slice(0, 2)) {
      expect(sources[0]).toBeUndefined();
      expect(sources[1]?.aucChange.low).toBeGreaterThan(0);
      expect(sources[2]?.aucChange.high).toBeLessThan(0);
    }
    const document = documentOf(found, cells, undefined, ['rare', 'alike', 'opposite']);
    expect(transferSchema.parse(document)).toEqual(document);
    expect(document.sources).toHaveLength(12);
    expect(document.sources?.filter(({ target }) => target === 'rare')).toMatchObject([
      { source: 'alike', task: 'click', verdict: 'gains' },
      { source: 'opposite', task: 'click', verdict: 'loses' },
      { source: 'alike', task: 'like', verdict: 'gains' },
      { source: 'opposite', task: 'like', verdict: 'loses' },
    ]);
    const text = transferText(document);
    expect(text).toMatch(
      /^- The rows of one other scenario, .*help: .*alike -> rare\/click \+0\.\d+ .*; \d+ of 12 hurt: /m,
    );
    expect(text).toMatch(/^target +rare -> +alike -> +opposite ->$/m);
    expect(text).toMatch(/^rare +- +\+0\.\d{4} +-0\.\d{4} loses$/m);
    expect(transferMarkdown(document)).toMatch(/\| rare \| - \| \+0\.\d{4} \| -0\.\d{4} loses \|/);
  });

  test('effects are those of the normal distribution of both cells, at the variance that makes them most likely', async () => {
    const { analysis, train } = await find({ seed: 37 });
    const { effects, terms } = analysis;
    const cells = { scenarios: train.scenarios, tasks: train.tasks };
    const C = cells.scenarios * cells.tasks;
    const shift = 1;
    const { fields } = pairEffects(effects, terms, cells, shift);
    let compared = 0;
    const variances = Array.from({ length: 400 }, (_, i) => Math.exp(Math.log(1e-6) + (i / 399) * Math.log(25e6)));
    for (const [j, term] of terms.entries()) {
      const posterior = new Float64Array(term.rows * C);
      for (let c = 0; c < C; c++) {
        const pair = [c, (c + shift * cells.tasks) % C];
        const at = (m: number) => ({
          y: pair.map((d) => term.y[m * C + d]),
          h: pair.map((d) => term.H?.[m * C + d] ?? 1),
          k: pair.map((d) => term.K[(m * C + d) * cells.tasks + (d % cells.tasks)]),
        });
        const rows = Array.from({ length: term.rows }, (_, m) => at(m)).map((row, m) => ({ ...row, m }));
        const seen = rows.filter(({ h }) => h.every((value) => value > 0));
        // Dense: y ~ N(0, diag(k) + tau2 h h').
        const covariance = ({ h, k }: (typeof rows)[0], tau2: number): [number, number, number] => [
          k[0] + tau2 * h[0] * h[0],
          tau2 * h[0] * h[1],
          k[1] + tau2 * h[1] * h[1],
        ];
        const loss = (tau2: number): number =>
          seen.reduce((sum, row) => {
            const [a, b, d] = covariance(row, tau2);
            const determinant = a * d - b * b;
            const [y0, y1] = row.y;
            return sum + Math.log(determinant) + (d * y0 * y0 - 2 * b * y0 * y1 + a * y1 * y1) / determinant;
          }, 0);
        if (seen.length < rows.length) continue; // levels that one cell lacks: below
        const tau2 = variances.reduce((best, next) => (loss(next) < loss(best) ? next : best));
        for (const row of rows) {
          const [a, b, d] = covariance(row, tau2);
          const weights = solve(
            [
              [a, b],
              [b, d],
            ],
            row.y,
          );
          posterior[row.m * C + c] = tau2 * (row.h[0] * weights[0] + row.h[1] * weights[1]);
        }
      }
      const expected = levelEffects(effects.fields[j], term, posterior, C);
      const largest = Math.max(...expected.map(Math.abs));
      for (const [i, value] of expected.entries()) {
        if (value === 0) continue;
        expect(Math.abs((fields[j].effects[0]?.[i] as number) - value)).toBeLessThan(0.03 * largest);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(100);
  });

  test('of more scenarios than a matrix can show, nothing is measured, and a note says so', async () => {
    const many = MOST_SOURCES + 1;
    const found = await find({ seed: 38, scenarios: 1 }, (rows) => ({
      ...rows,
      scenarios: many,
      scenario: rows.scenario.map((_, row) => row % many),
    }));
    const names = Array.from({ length: many }, (_, s) => `s${s}`);
    const { sources, notes } = documentOf(found, measure(found), undefined, names);
    expect(sources).toBeUndefined();
    expect(notes).toContain('What single scenarios add to each other is measured for up to 16 of them, not for 17.');
  });
});

test('least squares are those of the normal equations, and clusters widen the errors', () => {
  const z = Float64Array.from([1, 2, 4, 3, 5, 7]);
  const x = Float64Array.from([0, 1, 2, 1, 3, 3]);
  const alone = linear(z, [x], Int32Array.from([0, 1, 2, 3, 4, 5]));
  const expected = solve(
    [
      [6, 10],
      [10, 24],
    ],
    [22, 49],
  );
  expect(alone?.b[0]).toBeCloseTo(expected[0], 5);
  expect(alone?.b[1]).toBeCloseTo(expected[1], 5);
  const twice = linear(
    Float64Array.from([...z, ...z]),
    [Float64Array.from([...x, ...x])],
    Int32Array.from([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]),
  );
  expect(twice?.error[1]).toBeCloseTo(alone?.error[1] as number, 5);
});

test('claims are made over what was tested', () => {
  expect(claimed([0.01, undefined, 0.04, 0.9, undefined])).toEqual([true, false, false, false, false]);
  expect(claimed([])).toEqual([]);
});
