/** Transfer on worlds with planted flows, row by row from the world itself: no files, no training. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../../src/data/synthetic/world.ts';
import { transferSchema } from '../../src/documents/transfer.ts';
import { analyseFlows, type FlowAnalysis, flowOptions } from '../../src/flows/analysis.ts';
import { linear } from '../../src/flows/numeric/logistic.ts';
import { type FlowRows, inMemory } from '../../src/flows/rows.ts';
import { flowScores, learnedFlows } from '../../src/flows/scores.ts';
import { additiveScores } from '../../src/flows/transfer/additive.ts';
import { type CellTransfer, claimed, measureCells } from '../../src/flows/transfer/cells.ts';
import { transferDocument } from '../../src/flows/transfer/document.ts';
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
): Promise<Found> {
  const world = createWorld(input);
  const [train, held] = [change(rowsOf(world, 0, TRAIN)), change(rowsOf(world, TRAIN, HELD))];
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

const documentOf = ({ world, train, held, analysis }: Found, cells: CellTransfer[], run?: string) =>
  transferDocument(
    {
      data: 'world',
      dataHash: '0',
      rows: TRAIN,
      of: TRAIN,
      validationRows: held.rows,
      scenarios: world.planted.scenarios.slice(0, train.scenarios),
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
