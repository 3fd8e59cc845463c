/** The flow test of models whose use of each planted flow is known: answers made from the world itself, no training. */
import { describe, expect, test } from 'vitest';
import { createWorld, type World } from '../../src/data/synthetic/world.ts';
import { type FlowDocument, flowDocumentSchema } from '../../src/documents/flows.ts';
import { analyseModel, certifyModel, flowDocument, flowOptions } from '../../src/flows/index.ts';
import { flowTestText } from '../../src/report/flows.ts';
import { rowsOf } from './planted-rows.ts';

const N = 10_000;

/** `use`: how much of the effect of flow k (0 to 3) the model lets through in a cell. */
async function documentOf(world: World, use: (s: number, t: number, k: number) => number): Promise<FlowDocument> {
  const { scenarios: S, tasks: T } = world.options;
  const rows = rowsOf(world, 0, N);
  const logits = new Float32Array(N * S * T);
  for (let row = 0; row < N; row++)
    for (let s = 0; s < S; s++) {
      const effects = world.effects({ ...world.row(row), scenario: s });
      for (let t = 0; t < T; t++)
        logits[(row * S + s) * T + t] = effects[t].reduce(
          (sum, effect, k) => sum + use(s, t, k) * effect,
          world.planted.bias[s][t],
        );
    }
  const found = await analyseModel(rows, logits, flowOptions.parse({}));
  const about = { data: 'world', dataHash: 'x', source: 'model' as const, run: 'run', rows: N, of: N };
  const names = { scenarios: world.planted.scenarios, tasks: world.planted.tasks, orderedTasks: false };
  const certificates = certifyModel({ rows, of: N }, logits, found);
  return flowDocumentSchema.parse(flowDocument({ ...about, ...names }, found, certificates));
}

const claims = ({ flows }: FlowDocument, verdict = 'useless'): string[] =>
  flows.filter((line) => line.verdict === verdict).map(({ scenario, task, flow }) => `${scenario}/${task}/${flow}`);

const planted = (world: World, is: (s: number, t: number, k: number) => boolean): string[] =>
  world.planted.scenarios.flatMap((scenario, s) =>
    world.planted.tasks.flatMap((task, t) =>
      [0, 1, 2, 3].filter((k) => is(s, t, k)).map((k) => `${scenario}/${task}/${k + 1}`),
    ),
  );

describe('a model that', () => {
  const world = createWorld({ seed: 71, noiseFlows: [{ scenario: 1, task: 0, flow: 1 }] });
  const strength = (s: number, t: number, k: number): number => world.planted.strength[s][t][k];
  const noise = planted(world, (s, t, k) => world.planted.noise[s][t][k]);

  test('knows the truth: the planted noise is claimed, and adding it would cost AUC', async () => {
    const found = await documentOf(world, strength);
    expect(claims(found)).toEqual(noise);
    const line = found.flows.find(({ verdict }) => verdict === 'useless');
    expect(line?.certificate?.aucLow).toBeGreaterThan(0.01); // without it better than with it
    expect(flowTestText(found)).toContain(
      'search/click: the model uses nothing of the shared flow; with it AUC would change',
    );
  });

  test('lets a flow through where it is noise: used, and the labels do not bear it out', async () => {
    const found = await documentOf(world, (s, t, k) => strength(s, t, k) || 1);
    expect(claims(found)).toEqual([]);
    const [line] = found.flows.filter(({ certificate }) => certificate !== null && certificate.high < 0.5);
    expect(line).toMatchObject({ scenario: 'search', task: 'click', flow: 1, verdict: 'useful' });
    expect(line.certificate?.aucChange).toBeGreaterThan(0.01);
    expect(flowTestText(found)).toContain('search/click: the model uses the shared flow, but the labels hold');
  });

  test('has not learned a flow: nothing is claimed about it, and the fields that it leaves out are named', async () => {
    const found = await documentOf(world, (s, t, k) => (k === 3 ? 0 : strength(s, t, k)));
    expect(claims(found)).toEqual(noise);
    expect(found.left).toEqual([{ flow: 4, fields: ['region', 'origin'] }]);
    expect(claims(found, 'undecided')).toEqual(planted(world, (_s, _t, k) => k === 3));
    expect(flowTestText(found)).toContain('The model takes nothing through the scenario-specific flow');
  });

  test('does not use a flow in one cell that needs it: no claim', async () => {
    const found = await documentOf(world, (s, t, k) => (s === 0 && t === 1 && k === 2 ? 0 : strength(s, t, k)));
    expect(claims(found)).toEqual(noise);
    const line = found.flows.find(({ scenario, task, flow }) => scenario === 'feed' && task === 'like' && flow === 3);
    expect(line).toMatchObject({ verdict: 'undecided', reason: expect.stringContaining('the labels hold it') });
  });
});

test('a flow that neither the model nor the labels hold is useless', async () => {
  const world = createWorld({ seed: 72, strengths: [1, 1, 1, 0], noiseFlows: [] });
  const found = await documentOf(world, (s, t, k) => world.planted.strength[s][t][k]);
  expect(claims(found)).toEqual(planted(world, (_s, _t, k) => k === 3));
  expect(found.left).toEqual([]);
});
