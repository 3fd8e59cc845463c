/** A document of every kind, made of seeded numbers and of names that would be more than text. */
import { random } from '../../src/base/random.ts';
import type { ComparisonResult } from '../../src/documents/comparison.ts';
import type { ExplanationDocument } from '../../src/documents/diagnose/explanation.ts';
import type { ImportanceDocument } from '../../src/documents/diagnose/importance.ts';
import type { Ramp } from '../../src/documents/experiment/ramp.ts';
import type { ExperimentReport } from '../../src/documents/experiment/report.ts';
import { FLOW_NAMES, type FlowDocument } from '../../src/documents/flows.ts';
import type { GridJson } from '../../src/documents/grid.ts';
import type { DriftDocument } from '../../src/documents/loop/drift.ts';
import type { PositionBiasDocument } from '../../src/documents/loop/position-bias.ts';
import type { ReplayDocument } from '../../src/documents/loop/replay.ts';
import type { Round } from '../../src/documents/loop/round.ts';
import type { SimulationDocument } from '../../src/documents/loop/simulation.ts';
import type { EvaluationDocument } from '../../src/documents/result.ts';
import type { TransferDocument } from '../../src/documents/transfer.ts';
import type { TuningDocument } from '../../src/documents/tuning.ts';

/** Markup, quotes and the end of a script, emoji, text from right to left with a mark that turns it, 200 characters. */
export const NASTY = [
  '<img src=x onerror=alert(1)>&lt;b&gt;',
  `"double" 'single' \`tick\` </script><script>alert(2)</script>`,
  'cart 🛒👩‍👩‍👧‍👦 a|b {c}/d~e.f',
  'قائمة \u202e التوصيات שלום',
  'w'.repeat(200),
];

const draw = random('pages');
export const share = (): number => draw.uniform();
const whole = (below = 100_000): number => draw.below(below);
export const times = <T>(n: number, of: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => of(i));

/** Around 0: some intervals leave it out. */
function difference(scale = 0.02) {
  const value = scale * (share() - 0.5);
  return { value, low: value - scale * 0.2 * share(), high: value + scale * 0.2 * share() };
}

const cellsOf = (scenarios: readonly string[], tasks: readonly string[]) =>
  scenarios.flatMap((scenario) => tasks.map((task) => ({ scenario, task })));

function gridOf(scenarios: readonly string[], tasks: readonly string[]): GridJson {
  const metrics = () => ({
    auc: 0.6 + 0.3 * share(),
    logloss: share(),
    groupedAuc: share(),
    ndcg: share(),
    map: share(),
    calibrationError: 0.1 * share(),
  });
  return {
    macro: metrics(),
    k: 10,
    means: { minPositives: 20, minNegatives: 20, weights: 'equal', fallback: false, cells: 3, of: 4 },
    cells: cellsOf(scenarios, tasks).map((cell, i) => ({
      ...cell,
      ...metrics(),
      ...(i === 1 && { auc: null, reasons: { auc: 'all labels are 0' }, leftOut: '3 of 20 positives' }),
      positiveRate: share(),
      meanProbability: share(),
      rows: whole(),
      positives: whole(),
      unlabelled: whole(),
    })),
  };
}

export const evaluation = (scenarios: readonly string[], tasks: readonly string[]): EvaluationDocument => ({
  ...gridOf(scenarios, tasks),
  schema: 'evaluation/1',
  run: 'runs/a',
  data: { name: NASTY[0], rows: 1000, isOwn: true },
  split: 'validation',
  seconds: 3,
});

const VERDICTS = ['useful', 'useless', 'likely useless', 'undecided'] as const;

export const flows = (scenarios: readonly string[], tasks: readonly string[]): FlowDocument => ({
  schema: 'flows/1',
  data: NASTY[1],
  dataHash: 'ab',
  source: 'labels',
  rows: 12_345,
  of: 67_890,
  scenarios: [...scenarios],
  tasks: [...tasks],
  orderedTasks: false,
  flows: cellsOf(scenarios, tasks).flatMap((cell) =>
    FLOW_NAMES.map((name, k) => ({
      ...cell,
      flow: k + 1,
      name,
      strength: 1.3 * share(),
      verdict: VERDICTS[whole(4)],
      p: share() ** 9,
      certificate:
        k === 2
          ? null
          : {
              coefficient: share(),
              low: share(),
              high: share(),
              aucChange: -0.1 * share(),
              aucLow: -0.2,
              aucHigh: share(),
              loglossChange: share(),
              loglossLow: share(),
              loglossHigh: share(),
              rows: whole(),
              positives: whole(),
            },
    })),
  ),
  fields: NASTY.map((field) => ({ field, share: times(4, share), reads: times(4, () => share() < 0.7) })),
  shares: times(4, share),
  notes: [NASTY[0]],
});

export const transfer = (scenarios: readonly string[], tasks: readonly string[]): TransferDocument => {
  const compared = () => ({
    verdict: 'undecided' as const,
    auc: share(),
    againstAuc: share(),
    aucChange: difference(),
    loglossChange: difference(),
    p: share(),
  });
  return {
    schema: 'transfer/1',
    data: NASTY[2],
    dataHash: 'ab',
    source: 'labels',
    rows: 100,
    of: 200,
    validationRows: 50,
    scenarios: [...scenarios],
    tasks: [...tasks],
    orderedTasks: false,
    cells: cellsOf(scenarios, tasks).map((cell, i) => ({
      ...cell,
      rows: whole(),
      positives: whole(),
      selective: i === 0 ? null : compared(),
      everything: compared(),
      models: null,
      ...(i === 0 && { reason: NASTY[0] }),
    })),
    sources: cellsOf(scenarios, tasks).flatMap(({ scenario: target, task }, i) =>
      scenarios
        .filter((source) => source !== target)
        .map((source) => ({
          source,
          target,
          task,
          ...compared(),
          verdict: (['gains', 'loses', 'undecided'] as const)[i % 3],
        })),
    ),
    flows: cellsOf(scenarios, tasks).flatMap((cell) =>
      FLOW_NAMES.map((name, k) => ({
        ...cell,
        flow: k + 1,
        name,
        verdict: VERDICTS[k],
        strength: share(),
        measured:
          k === 3
            ? null
            : {
                labels: difference(2),
                model: difference(2),
                excess: difference(),
                p: share(),
                aucChange: difference(),
                loglossChange: difference(),
              },
        negative: k === 1 ? share() < 0.5 : null,
      })),
    ),
    notes: [],
  };
};

export const importance = (scenarios: readonly string[], tasks: readonly string[]): ImportanceDocument => {
  const effect = () => ({ ...difference(), standardError: share() });
  const cells = cellsOf(scenarios, tasks);
  return {
    schema: 'importance/1',
    run: 'runs/a',
    model: 'mmoe',
    data: NASTY[3],
    split: 'validation',
    rows: 10,
    of: 20,
    repeats: 3,
    seed: 1,
    groups: { of: 'group', count: 7 },
    cells: cells.map((cell) => ({ ...cell, rows: whole(), positives: whole(), auc: share(), counts: share() < 0.8 })),
    features: NASTY.map((name, i) => ({
      name,
      kind: i === 2 ? 'group' : 'field',
      ...(i === 2 && { members: NASTY.slice(0, 2) }),
      varies: i !== 1,
      aucLoss: i === 1 ? null : effect(),
      loglossGain: i === 1 ? null : effect(),
      cells: cells.map((cell) => ({ ...cell, aucLoss: i === 1 ? null : effect(), loglossGain: effect() })),
    })),
    seconds: 4,
  };
};

/** Fields by drawn orders, so that there are intervals; more candidates than a picture shows. */
export const explanation = (scenarios: readonly string[], tasks: readonly string[]): ExplanationDocument => {
  const answered = () => ({ logit: 4 * (share() - 0.5), uncalibrated: share(), probability: share(), part: share() });
  const fields = () =>
    NASTY.map((field, i) => ({
      field,
      value: i === 0 ? null : NASTY[(i + 1) % NASTY.length],
      unknown: i < 2,
      alone: tasks.map(() => share() - 0.5),
      shares: tasks.map(() => difference()),
      score: difference(),
    }));
  const flows = () => Object.fromEntries(tasks.map((task, t) => [task, FLOW_NAMES.slice(0, t % 4)]));
  return {
    schema: 'explanation/1',
    model: `shop@${NASTY[4]}`,
    request: { source: 'log', from: NASTY[2], id: NASTY[0] },
    scenario: scenarios[0],
    tasks: [...tasks],
    score: 'a + b',
    calibration: tasks.map((_, t) =>
      t % 2 === 0
        ? { kind: 'platt' as const, scale: share(), shift: share() }
        : { kind: 'isotonic' as const, x: [0, 1], y: [share() / 2, 0.5 + share() / 2] },
    ),
    candidates: 30,
    items: times(30, (i) => ({
      item: NASTY[i % NASTY.length],
      position: i + 1,
      given: 30 - i,
      score: 1 - (i + share()) / 31,
      tasks: tasks.map(answered),
      rest: i === 2 ? null : share(),
      recorded: { position: i < 20 ? i + 1 : null, score: share() },
    })),
    explained: times(3, (i) => ({ position: i + 1, item: NASTY[i], fields: fields(), flows: flows() })),
    unknown: { logits: tasks.map(() => share()), score: share() },
    lead: { difference: share(), fields: NASTY.map((field) => ({ field, share: difference() })) },
    shares: { method: 'sampled', orders: 64, seed: 1 },
    verdict: tasks.flatMap((task) =>
      FLOW_NAMES.map((flow, i) => ({ task, flow, strength: share(), verdict: VERDICTS[i % VERDICTS.length] })),
    ),
    recorded: { time: '2026-11-30T12:00:00.000Z', model: NASTY[1], largest: null },
    notes: [NASTY[3]],
    seconds: 0.3,
  };
};

export const replay = (): ReplayDocument => {
  const interval = () => ({ estimate: share(), se: share(), low: share(), high: 1 + share() });
  return {
    schema: 'replay/1',
    log: NASTY[1],
    policy: NASTY[0],
    temperature: 0,
    reward: { click: 1 },
    window: null,
    requests: {
      impressions: whole(),
      explored: whole(),
      deterministic: whole(),
      interleaved: whole(),
      open: whole(),
      incomplete: whole(),
      otherScenarios: whole(),
      withoutUnit: whole(),
    },
    duplicates: 1,
    orphans: 2,
    damaged: 3,
    models: { [NASTY[2]]: 5 },
    fields: NASTY.map((field) => ({ field, given: share() })),
    recomputed: { requests: 2, largest: 1e-7 },
    diagnostics: (['item', 'position', 'list'] as const).map((weights) => ({
      weights,
      rows: whole(),
      units: whole(),
      meanWeight: share(),
      seWeight: share(),
      effectiveRows: 1000 * share(),
      largestWeight: 100 * share(),
      smallestPropensity: share(),
      support: share(),
      deterministic: share(),
      refusals: [],
    })),
    refusals: [],
    estimates: ['IPS', 'SNIPS', 'DR'].map((name) => {
      const { value, ...ends } = difference(0.2);
      return {
        name,
        assumption: 'clicks depend on the item',
        ...interval(),
        difference: { estimate: value, se: 1, ...ends },
      };
    }),
    served: interval(),
    verdict: 'undecided',
    seconds: 1,
  };
};

export const positionBias = (scenarios: readonly string[]): PositionBiasDocument => ({
  schema: 'position-bias/1',
  log: NASTY[0],
  type: NASTY[1],
  scenarios: scenarios.map((scenario, s) => ({
    scenario,
    method: (['random-orders', 'rankers', 'em'] as const)[s % 3],
    assumption: 'chances are right',
    requests: whole(),
    positions: times(6, (p) => ({
      position: p + 1,
      impressions: whole(),
      clicks: whole(),
      relative: p === 4 ? null : 1 / (p + 1),
      low: s % 3 === 2 || p === 4 ? null : 0.8 / (p + 1),
      high: s % 3 === 2 || p === 4 ? null : 1.2 / (p + 1),
    })),
  })),
  duplicates: 0,
  damaged: 0,
  seconds: 1,
});

export const simulation = (scenarios: readonly string[]): SimulationDocument => {
  const worth = () => ({
    requests: whole(),
    shown: share(),
    best: 1 + share(),
    random: share() / 2,
    possible: share(),
  });
  return {
    schema: 'simulation/1',
    world: NASTY[0],
    url: 'http://127.0.0.1:1',
    seed: 1,
    requestsADay: 10,
    candidates: 20,
    shown: 5,
    positionBias: 1,
    reward: { click: 1 },
    events: true,
    days: times(7, (d) => ({
      day: d + 1,
      date: `2026-01-0${d + 1}`,
      drifts: 0,
      models: { [NASTY[d % NASTY.length]]: 3 },
      interactions: whole(),
      corrections: whole(),
      held: whole(),
      all: worth(),
      scenarios: scenarios.map((scenario) => ({ scenario, ...worth() })),
    })),
    all: worth(),
    seconds: 1,
  };
};

export const tuning = (): TuningDocument => {
  const trials = times(30, (trial) => ({
    trial,
    parameters: {
      'train.learningRate': 10 ** -(1 + 3 * share()),
      'model.towerDims': NASTY[trial % 3],
      'model.dropout': share(),
    },
    asked: null,
    epochs: 4,
    ended: true,
    value: trial === 5 ? null : 0.7 + 0.1 * share(),
    seconds: 100 * share(),
    ...(trial === 5 && { failure: NASTY[0] }),
  })).sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  return {
    schema: 'tuning/1',
    monitor: 'auc',
    over: '4 cells',
    parameters: ['train.learningRate', 'model.towerDims', 'model.dropout'],
    best: trials[0],
    trials,
    hints: [
      { path: 'train.learningRate', strength: 0.8, better: 'lower', trials: 29 },
      { path: 'model.towerDims', strength: 0.3, better: { choice: NASTY[1] }, trials: 29 },
    ],
  };
};

export const round = (scenarios: readonly string[], tasks: readonly string[], n: number): Round => ({
  schema: 'loop-round/1',
  round: n,
  day: `2026-02-0${n}`,
  from: null,
  serving: { run: 'runs/a', artifact: 'artifacts/a' },
  joined: { rows: whole(), impressions: whole(), positives: { click: whole() } },
  prepared: { hash: 'ab', train: whole(), validation: whole(), test: whole() },
  judged: {
    rows: whole(),
    units: whole(),
    auc: { serving: share(), next: share(), difference: difference() },
    cells: cellsOf(scenarios, tasks).map((cell, i) => ({
      ...cell,
      positives: whole(),
      negatives: whole(),
      auc: i === 0 ? null : { serving: share(), next: share(), difference: difference() },
    })),
    calibrationError: { serving: share(), next: share() },
    drift: Object.fromEntries(NASTY.map((field) => [field, share()])),
    requests: { tried: 3, failing: 1 },
    gates: (['labels', 'mean AUC', 'drift'] as const).map((gate, i) => ({ gate, passed: i !== 1, sentence: NASTY[i] })),
  },
  decision: { kind: n % 2 === 0 ? 'loaded' : 'refused', sentence: NASTY[0], at: '2026-02-01T00:00:00.000Z' },
});

export function comparison(
  models: readonly string[],
  scenarios: readonly string[],
  tasks: readonly string[],
): ComparisonResult {
  const mean = () => {
    const value = 0.7 + 0.1 * share();
    return { n: 3, mean: value, sd: 0.01 * share(), low: value - 0.01 * share(), high: value + 0.01 * share() };
  };
  const means = () => ({
    auc: mean(),
    groupedAuc: mean(),
    ndcg: mean(),
    map: mean(),
    logloss: mean(),
    calibrationError: mean(),
  });
  const test = () => {
    const { value, low, high } = difference();
    return { difference: value, standardError: share(), p: share(), low, high, corrected: share() ** 6 };
  };
  const cells = cellsOf(scenarios, tasks);
  const against = (model: string, other: string) => ({
    model,
    against: other,
    pairs: [1, 2, 3],
    macro: { bootstrap: test(), seeds: test() },
    cells: cells.map((cell, i) => ({ ...cell, delong: i === 2 ? null : test(), bootstrap: test(), seeds: null })),
  });
  const [baseline, ...others] = models;
  return {
    schema: 'comparison/1',
    version: 1,
    baseline,
    seeds: [1, 2, 3],
    correction: 'holm',
    confidence: 0.95,
    bootstrap: { resamples: 100, seed: 1 },
    k: 10,
    datasets: [
      {
        data: NASTY[0],
        hash: 'ab',
        scenarios: [...scenarios],
        tasks: [...tasks],
        testRows: whole(),
        groups: { of: 'group', count: whole() },
        models: models.map((model) => ({
          data: NASTY[0],
          model,
          key: 'mmoe',
          seeds: [1, 2, 3],
          failed: [],
          macro: means(),
          cells: cells.map((cell, i) => ({
            ...cell,
            rows: whole(),
            positives: whole(),
            ...means(),
            ...(i === 1 && { auc: null }),
          })),
          epochs: [{ train: 3 }],
          curve: [1, 2, 3].map((epoch) => {
            const value = 0.7 + 0.1 * share();
            return {
              epoch,
              n: 4 - epoch,
              mean: value,
              lowest: value - 0.01 * share(),
              highest: value + 0.01 * share(),
            };
          }),
          bestEpochs: [1, 3, 3],
          denseParameters: whole(),
          embeddingParameters: whole(),
          multiplyAddsPerRow: 1 + whole(),
        })),
        tests: others.map((model) => against(model, baseline)),
        transfer: others.slice(0, 2).map((model) => against(model, baseline)),
      },
    ],
  };
}

export const drift = (scenarios: readonly string[], tasks: readonly string[]): DriftDocument => ({
  schema: 'drift/1',
  log: NASTY[0],
  artifact: { name: NASTY[1], id: 'ab' },
  first: '2026-01-01T00:00:00.000Z',
  last: '2026-01-08T00:00:00.000Z',
  answers: whole(),
  rows: whole(),
  trainingRows: whole(),
  left: { withoutValues: 1, otherScenarios: 2, misfits: 3, duplicates: 4, damaged: 5 },
  fields: NASTY.map((field) => ({
    field,
    psi: share(),
    byChance: share() / 10,
    values: whole(),
    outOfVocabulary: { training: share(), live: share() },
  })),
  scenarios: scenarios.map((scenario) => ({ scenario, training: share(), live: share() })),
  cells: cellsOf(scenarios, tasks).map((cell, i) => ({
    ...cell,
    rows: whole(),
    edges: times(9, (k) => (k + 1) / 10),
    training: times(10, share),
    live: times(10, share),
    psi: share(),
    byChance: share(),
    mean: { training: share(), live: i === 0 ? null : share() },
  })),
  notes: [NASTY[0]],
  seconds: 1,
});

export const experiment = (scenarios: readonly string[]): ExperimentReport => {
  const interval = (isOpen = false) => {
    const { value, low, high } = difference();
    return { estimate: value, low: isOpen ? null : low, high: isOpen ? null : high };
  };
  return {
    schema: 'experiment-report/1',
    log: NASTY[0],
    key: NASTY[1],
    mode: 'split',
    asOf: '2026-01-08T00:00:00.000Z',
    period: {
      first: '2026-01-01T00:00:00.000Z',
      last: '2026-01-08T00:00:00.000Z',
      days: 7,
      version: 1,
      earlier: 0,
      repeated: 0,
    },
    before: { days: 7, units: whole() },
    configured: false,
    method: 'always-valid',
    looks: null,
    arms: NASTY.slice(0, 3).map((arm, i) => ({
      arm,
      weight: i === 2 ? null : 0.5,
      units: whole(),
      answers: whole(),
      items: whole(),
      models: {},
      failed: whole(9),
      latency: i === 2 ? null : { mean: share(), p50: share(), p99: share() },
    })),
    checks: (['units now', 'models', 'failed answers'] as const).map((check, i) => ({
      check,
      state: (['sound', 'look', 'broken'] as const)[i],
      sentence: NASTY[i],
      p: i === 1 ? null : share(),
    })),
    treatments: NASTY.slice(1, 3).map((arm) => ({
      arm,
      decision: 'go on',
      sentence: NASTY[0],
      metrics: NASTY.map((metric, i) => ({
        metric,
        role: i === 0 ? 'guardrail' : 'success',
        lowerIsBetter: i === 0,
        control: share(),
        treatment: share(),
        difference: interval(i === 1),
        relative: i === 2 ? null : interval(i === 1),
        level: 0.05,
        p: i === 0 ? null : share(),
        margin: i === 0 ? '2 %' : null,
        finding: 'open',
        cuped: null,
      })),
      cells: scenarios.map((scenario, i) => ({
        scenario,
        metric: NASTY[0],
        units: { control: whole(), treatment: whole() },
        control: share(),
        treatment: share(),
        difference: interval(i === 0),
        eValue: 10 * share(),
        found: i === 1,
        shrunk: i === 0 ? null : share(),
      })),
      heterogeneity: [{ metric: NASTY[0], Q: share(), p: share(), I2: share(), tau: share() }],
    })),
    history: times(4, (look) => ({ at: `2026-01-0${look + 5}T00:00:00.000Z`, units: whole() })).flatMap((look, k) =>
      NASTY.slice(1, 3).flatMap((arm) =>
        NASTY.map((metric) => ({ ...look, arm, metric, difference: interval(k === 0) })),
      ),
    ),
    interleaving: [
      {
        arm: NASTY[1],
        answers: whole(),
        units: whole(),
        wins: { control: whole(), treatment: whole(), ties: whole() },
        sign: { delta: share(), p: share() },
        byUnits: null,
        sentence: NASTY[2],
      },
    ],
    shadow: [
      {
        scenario: null,
        model: NASTY[3],
        answers: whole(),
        sameFirst: share(),
        overlap: share(),
        meanDifference: share(),
        meanAbsolute: share(),
      },
    ],
    unitsADay: 1000 * share(),
    seconds: 1,
  };
};

export const ramp = (): Ramp => ({
  schema: 'experiment-ramp/1',
  key: NASTY[1],
  url: 'http://127.0.0.1:1',
  records: (['begin', 'raise', 'roll back'] as const).map((decision, i) => ({
    at: `2026-01-0${i + 1}T00:00:00.000Z`,
    decision,
    coverage: [0.01, 0.5, 0][i],
    sentence: NASTY[i],
    units: i === 0 ? {} : { [NASTY[2]]: whole(), [NASTY[4]]: whole() },
  })),
  held: { at: '2026-01-04T00:00:00.000Z', sentence: NASTY[3] },
});
