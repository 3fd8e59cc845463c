/** The document of what was reproduced against the result files: every table between markers is written from one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { compareSchema } from '../src/config/compare.ts';
import { comparisonSchema, type ModelResult, timesSchema } from '../src/documents/comparison.ts';
import { trialLine } from '../src/documents/tuning.ts';
import type { Section } from '../src/report/comparison/section.ts';
import { sectionsOf } from '../src/report/comparison/sections.ts';
import { markdownTable, numeric, tableOf } from '../src/report/table.ts';

const RESULTS = 'reproduction/results';
const comparisons = readdirSync(RESULTS).filter((name) => existsSync(join(RESULTS, name, 'times.json')));
const json = <T>(...path: string[]): T => JSON.parse(readFileSync(join(RESULTS, ...path), 'utf8'));
const resultOf = (name: string) => comparisonSchema.parse(json(name, 'result.json'));
const timesOf = (name: string) => timesSchema.parse(json(name, 'times.json'));

/** What a marker asks for: `searches`, `noise flows`, `negatives`, `flow recovery`, `flow recovery: models`, `flow recovery: short`, `flow cost`, `ten worlds`, `fresh worlds`, `without options`, `without a choice`, `decay of ids`,
 * `decay of ids: fresh`, `decay of ids: seeds`, `defaults`, `input layer`, `NAME: ratios`, or `NAME: the beginning of a table's title`. */
function sectionOf(marker: string): Section {
  if (marker === 'searches') return searches();
  if (marker === 'noise flows') return noiseFlows();
  if (marker === 'negatives') return negatives();
  if (marker === 'transfer') return transfer();
  if (marker === 'flow recovery') return flowRecovery('flow-recovery', 'kind');
  if (marker === 'flow recovery: models') return flowRecovery('flow-recovery-models', 'model');
  if (marker === 'flow recovery: short') return flowRecovery('flow-recovery-short', 'model');
  if (marker === 'flow cost') return flowCost();
  if (marker === 'decay of ids') return decayOfIds('runs');
  if (marker === 'decay of ids: fresh') return decayOfIds('fresh');
  if (marker === 'decay of ids: seeds') return decayOfIds('seeds');
  if (marker === 'defaults') return defaults();
  if (marker === 'input layer') return inputLayer();
  if (marker === 'without options') return withoutOptions();
  if (marker === 'without a choice') return withoutChoice();
  if (marker === 'ten worlds') return worldsOf('worlds.json');
  if (marker === 'fresh worlds') return worldsOf('fresh.json');
  if (marker === 'funnel worlds') return funnelWorlds();
  if (marker === 'ablation of the structure') return structureAblation();
  const [name, title] = marker.split(': ');
  if (title === 'ratios') return ratios(name);
  const sections = sectionsOf(resultOf(name), timesOf(name));
  const section = sections.find((of) => of.title.startsWith(title));
  if (section === undefined) throw new Error(`${name} has no table "${title}", only ${sections.map((of) => of.title)}`);
  return section;
}

/** A table of texts: the first column names the row, the others hold numbers. */
const section = (title: string, [first, ...others]: string[], rows: string[][]): Section => ({
  title,
  table: tableOf(rows, [
    { title: first, text: ([name]) => name },
    ...others.map((head, i) => numeric<string[]>(head, (row) => row[i + 1])),
  ]),
  notes: [],
});

/** The best of the points that were searched, for each model. */
function searches(): Section {
  const files = readdirSync(join(RESULTS, 'searches'));
  const rows = files.map((file) => {
    const lines = readFileSync(join(RESULTS, 'searches', file), 'utf8')
      .trim()
      .split('\n');
    const trials = lines.map((line) => trialLine.parse(JSON.parse(line)));
    const values = trials.flatMap(({ value }) => (value === null ? [] : [value]));
    const best = trials.find(({ value }) => value === Math.max(...values)) as (typeof trials)[number];
    const shown = ['train.learningRate', 'train.l2', 'model.embeddingDim'].map((name) =>
      String(Number((best.parameters[name] as number).toPrecision(3))),
    );
    const range = [Math.max(...values), Math.min(...values)].map((value) => value.toFixed(4));
    return { model: file.replace('.jsonl', ''), row: [String(trials.length), ...range, ...shown] };
  });
  return section(
    'searches',
    ['model', 'trials', 'best validation AUC', 'worst', 'learning rate', 'l2', 'embedding'],
    rows.sort((a, b) => b.row[1].localeCompare(a.row[1])).map(({ model, row }) => [model, ...row]),
  );
}

/** AutoIFS next to every other model: what it gains, and what that costs. */
function ratios(name: string): Section {
  const [{ models }] = resultOf(name).datasets;
  const processorSeconds = (model: string): number =>
    timesOf(name).models.find((of) => of.model === model)?.processorSecondsToBest ?? Number.NaN;
  const auc = ({ macro }: ModelResult): number => macro.auc?.mean ?? Number.NaN;
  const own = models.find(({ key }) => key === 'autoifs') as ModelResult;
  const others = models.filter((model) => model !== own).sort((a, b) => auc(b) - auc(a));
  return section(
    'ratios',
    ['AutoIFS against', 'AUC', 'dense parameters', 'mul-adds/row', 'CPU s to best'],
    others.map((other) => [
      other.model,
      signed(auc(own) - auc(other)),
      ...[
        own.denseParameters / other.denseParameters,
        own.multiplyAddsPerRow / other.multiplyAddsPerRow,
        processorSeconds(own.model) / processorSeconds(other.model),
      ].map((ratio) => `${ratio.toFixed(2)}x`),
    ]),
  );
}

interface FlowRecovery {
  table: { kind: string; worlds: number; planted: number; found: number; false: number; others: number }[];
}

/** Claims of the flow test against what was planted. */
function flowRecovery(name: string, first: string): Section {
  const { table } = json<FlowRecovery>(name, 'result.json');
  return section(
    name,
    [first, 'worlds', 'planted', 'found', 'false claims', 'of other flows'],
    table.map(({ kind, ...row }) => [kind, ...[row.worlds, row.planted, row.found, row.false, row.others].map(String)]),
  );
}

interface FlowCost {
  tests: { rows: number; of: number; right: number; processorSeconds: number; peakMiB: number }[];
}

/** What the flow test takes, by number of rows. */
function flowCost(): Section {
  const tests = ['160k.json', '400k.json'].flatMap((file) => json<FlowCost>('flow-cost', file).tests);
  return section(
    'flow cost',
    ['rows', 'of', 'planted flows found', 'CPU s', 'peak MiB'],
    tests.map(({ rows, of, right, processorSeconds, peakMiB }) =>
      [rows, of, right, processorSeconds, peakMiB].map((value) => value.toLocaleString('en-US')),
    ),
  );
}

interface NoiseFlows {
  seeds: {
    seed: number;
    auc: { learned: number; kept: number };
    noise: number;
    removed: number;
    right: number;
    keptNoise: number;
    keptInformative: number;
  }[];
}

function noiseFlows(): Section {
  const { seeds } = json<NoiseFlows>('noise-flows', 'result.json');
  const sum = (of: 'noise' | 'removed' | 'right'): number => seeds.reduce((total, seed) => total + seed[of], 0);
  const share = (part: number, whole: number): string => (whole === 0 ? '-' : (part / whole).toFixed(2));
  const gains = seeds.map(({ auc }) => auc.learned - auc.kept);
  return section(
    'noise flows',
    ['seed', 'noise', 'removed', 'of them noise', 'precision', 'recall', 'AUC', 'all kept', 'gain'],
    [
      ...seeds.map(({ seed, auc, noise, removed, right }) => [
        String(seed),
        ...[noise, removed, right].map(String),
        ...[share(right, removed), share(right, noise)],
        ...[auc.learned, auc.kept, auc.learned - auc.kept].map((value) => value.toFixed(4)),
      ]),
      [
        'all',
        ...[sum('noise'), sum('removed'), sum('right')].map(String),
        ...[share(sum('right'), sum('removed')), share(sum('right'), sum('noise'))],
        ...['', '', (gains.reduce((a, b) => a + b, 0) / gains.length).toFixed(4)],
      ],
    ],
  );
}

interface Negatives {
  worlds: {
    seed: number;
    oracle: { kept: number; oracle: number; difference: number; low: number; high: number };
    anova: { planted: number; found: number; false: number; others: number };
  }[];
}

/** Planted truth as gates, and a decomposition of a model's answers. */
function negatives(): Section {
  const { worlds } = json<Negatives>('flow-negatives', 'result.json');
  return section(
    'negatives',
    ['seed', 'all kept', 'oracle gates', 'gain [95 %]', 'ANOVA: planted', 'found', 'false', 'of others'],
    worlds.map(({ seed, oracle, anova }) => [
      String(seed),
      ...[oracle.kept, oracle.oracle].map((value) => value.toFixed(4)),
      `${oracle.difference.toFixed(4)} [${oracle.low.toFixed(4)}, ${oracle.high.toFixed(4)}]`,
      ...[anova.planted, anova.found, anova.false, anova.others].map(String),
    ]),
  );
}

interface StreamsStudy {
  worlds: {
    seed: number;
    bayes: number;
    models: {
      model: string;
      auc: number;
      difference?: number;
      low?: number;
      high?: number;
      denseParameters: number;
      multiplyAddsPerRow: number;
      processorSeconds: number;
    }[];
  }[];
}
type WorldModel = StreamsStudy['worlds'][number]['models'][number];

const signed = (value: number): string => value.toFixed(4).replace(/^(?!-)/, '+');

const KEEP_ALL = 'autoifs, all kept';
const modelIn = (models: readonly WorldModel[], name: string): WorldModel =>
  models.find(({ model }) => model === name) as WorldModel;
/** Share of what is possible above chance. */
const shareOf = (auc: number, bayes: number): string => `${((100 * (auc - 0.5)) / (bayes - 0.5)).toFixed(1)} %`;

/** Each world: Streams, AutoIFS keeping all, and the best of the zoo. */
function worldsOf(file: string): Section {
  const { worlds } = json<StreamsStudy>('streams', file);
  const rows = worlds.map(({ seed, bayes, models }) => {
    const [streams, kept] = ['streams', KEEP_ALL].map((name) => modelIn(models, name));
    const zoo = models.filter((model) => model !== streams && model !== kept).sort((a, b) => b.auc - a.auc)[0];
    const [gain, low, high] = [streams.difference, streams.low, streams.high].map((value) => signed(value as number));
    return {
      streams: streams.auc,
      kept: kept.auc,
      zoo: zoo.auc,
      bayes,
      row: [
        String(seed),
        bayes.toFixed(4),
        streams.auc.toFixed(4),
        kept.auc.toFixed(4),
        `${gain} [${low}, ${high}]`,
        `${zoo.auc.toFixed(4)} (${zoo.model})`,
        shareOf(streams.auc, bayes),
        shareOf(kept.auc, bayes),
        shareOf(zoo.auc, bayes),
      ],
    };
  });
  const mean = (of: 'streams' | 'kept' | 'zoo' | 'bayes'): number =>
    rows.reduce((sum, row) => sum + row[of], 0) / rows.length;
  const [bayes, streams, kept, zoo] = [mean('bayes'), mean('streams'), mean('kept'), mean('zoo')];
  return section(
    file,
    [
      'seed',
      'possible',
      'streams',
      'autoifs, all kept',
      'gain over it',
      'best of the zoo',
      'share: streams',
      'all kept',
      'zoo',
    ],
    [
      ...rows.map(({ row }) => row),
      [
        'mean',
        bayes.toFixed(4),
        streams.toFixed(4),
        kept.toFixed(4),
        signed(streams - kept),
        zoo.toFixed(4),
        shareOf(streams, bayes),
        shareOf(kept, bayes),
        shareOf(zoo, bayes),
      ],
    ],
  );
}

/** Ordered tasks: Streams next to AutoIFS keeping all. */
function funnelWorlds(): Section {
  const { worlds } = json<StreamsStudy>('streams', 'funnel.json');
  return section(
    'funnel worlds',
    ['seed', 'possible', 'streams', KEEP_ALL, 'gain [95 %]', 'share: streams', 'all kept'],
    worlds.map(({ seed, bayes, models }) => {
      const [streams, kept] = ['streams', KEEP_ALL].map((name) => modelIn(models, name));
      const [gain, low, high] = [streams.difference, streams.low, streams.high].map((value) => value?.toFixed(4));
      return [
        ...[String(seed), bayes.toFixed(4), streams.auc.toFixed(4), kept.auc.toFixed(4), `${gain} [${low}, ${high}]`],
        ...[shareOf(streams.auc, bayes), shareOf(kept.auc, bayes)],
      ];
    }),
  );
}

function structureAblation(): Section {
  const {
    worlds: [{ bayes, models }],
  } = json<StreamsStudy>('streams', 'ablation.json');
  return section(
    'ablation of the structure',
    ['structure', 'AUC', 'share', 'dense parameters', 'mul-adds/row'],
    models.map(({ model, auc, denseParameters, multiplyAddsPerRow }) => [
      model === 'streams' ? 'streams, by the test' : model,
      auc.toFixed(4),
      shareOf(auc, bayes),
      denseParameters.toLocaleString('en-US'),
      multiplyAddsPerRow.toLocaleString('en-US'),
    ]),
  );
}

interface TransferRecovery {
  table: {
    kind: string;
    ranker: string;
    worlds: number;
    planted: number;
    proven: number;
    passed: number;
    found: number;
    false: number;
    others: number;
    simpleFound: number;
    simpleFalse: number;
  }[];
}

function transfer(): Section {
  const { table } = json<TransferRecovery>('transfer', 'result.json');
  return section(
    'transfer',
    [
      'worlds',
      'ranker',
      'number',
      'planted',
      'proven',
      'passed',
      'found',
      'false',
      'of others',
      'simple: found',
      'simple: false',
    ],
    table.map((row) => [
      row.kind,
      row.ranker,
      ...[row.worlds, row.planted, row.proven, row.passed, row.found, row.false, row.others].map(String),
      ...(row.ranker === 'labels' ? ['', ''] : [String(row.simpleFound), String(row.simpleFalse)]),
    ]),
  );
}

interface Choices {
  rows: {
    data: string;
    seeds: number;
    /** Candidates; none where the budget paid for the first alone. */
    compared: string[];
    chosen: string[];
    auc: { mean: number; min: number };
    best: { key: string; auc: number };
    processorSeconds: { command: number; network: number; trees: number | null };
  }[];
}

/** A training without options next to the best yardstick. */
function withoutOptions(): Section {
  const { rows } = json<Choices>('choice', 'result.json');
  return section(
    'without options',
    [
      'data',
      'seeds',
      'compared',
      'chosen',
      'test AUC',
      'lowest',
      'best yardstick',
      'difference',
      'CPU s',
      'network',
      'trees',
    ],
    rows.map(({ data, seeds, compared, chosen, auc, best, processorSeconds: { command, network, trees } }) => [
      data,
      String(seeds),
      compared.join(', ') || '-',
      chosen.join(', '),
      ...[auc.mean, auc.min].map((value) => value.toFixed(4)),
      `${best.key} ${best.auc.toFixed(4)}`,
      (auc.mean - best.auc).toFixed(4).replace(/^(?!-)/, '+'),
      ...[command, network, trees].map((value) => value?.toFixed(0) ?? ''),
    ]),
  );
}

interface DefaultsRun {
  data: string;
  model: string;
  variant: string;
  seed: number;
  auc: number;
  validation: { auc: number; logloss: number };
  idDecay: Record<string, number>;
  processorSeconds: number;
}

const defaultsRuns = (name: string): DefaultsRun[] =>
  readFileSync(join(RESULTS, 'defaults', `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const meanOf = (numbers: number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const ALL = 'all defaults';

/** Differences of test AUC of one variant to another over the same seeds: mean, lowest, highest. */
function gain(runs: readonly DefaultsRun[], variant: string, other: string): string {
  const differences = runs
    .filter((run) => run.variant === variant)
    .flatMap((run) =>
      runs.filter(({ variant: of, seed }) => of === other && seed === run.seed).map(({ auc }) => run.auc - auc),
    );
  if (differences.length === 0) return '';
  const [low, high] = [Math.min(...differences), Math.max(...differences)];
  return `${signed(meanOf(differences))}${differences.length > 1 ? ` [${signed(low)}, ${signed(high)}]` : ''}`;
}

/** The shared bottom with all defaults next to the best of the yardsticks that were fitted to the same data. */
function withoutChoice(): Section {
  type Line = { data: string; kind: string; trees: Yardstick; logistic: Yardstick };
  type Yardstick = { auc: number; processorSeconds?: number };
  const lines = readFileSync(join(RESULTS, 'choice', 'runs.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line): Line => JSON.parse(line));
  const runs = defaultsRuns('runs').filter(({ variant }) => variant === ALL);
  const rows = lines.flatMap(({ data, kind, trees, logistic }) => {
    const own = runs.filter((run) => run.data === data);
    if (kind !== 'yardsticks' || own.length === 0) return [];
    const auc = meanOf(own.map((run) => run.auc));
    const best = Math.max(trees.auc, logistic.auc);
    return [
      [
        data,
        String(own.length),
        auc.toFixed(4),
        `${best === trees.auc ? 'trees' : 'logistic'} ${best.toFixed(4)}`,
        signed(auc - best),
        meanOf(own.map(({ processorSeconds }) => processorSeconds)).toFixed(0),
        trees.processorSeconds?.toFixed(0) ?? '',
      ],
    ];
  });
  return section('alone', ['data', 'seeds', 'test AUC', 'best yardstick', 'difference', 'CPU s', 'trees'], rows);
}

/** What a shared bottom loses without each default. */
function defaults(): Section {
  const runs = defaultsRuns('ablation');
  const names = [...new Set(runs.map(({ data }) => data))];
  const of = (data: string): DefaultsRun[] => runs.filter((run) => run.data === data);
  const variants = [...new Set(runs.map(({ variant }) => variant))].filter((variant) => variant !== ALL);
  const all = names.map((data) => of(data).filter(({ variant }) => variant === ALL));
  const seconds = (some: DefaultsRun[]): string =>
    meanOf(some.map(({ processorSeconds }) => processorSeconds)).toFixed(0);
  return section(
    'defaults',
    ['variant', ...names],
    [
      [ALL, ...all.map((some) => `${meanOf(some.map(({ auc }) => auc)).toFixed(4)}, ${seconds(some)} s`)],
      ...variants.map((variant) => [variant, ...names.map((data) => gain(of(data), variant, ALL))]),
    ],
  );
}

/** What every model gains from pair products and decay, in the order of their AUC with both. */
function inputLayer(): Section {
  const runs = defaultsRuns('inputs');
  const [both, neither] = ['pairs and decay', 'neither'];
  const keys = [...new Set(runs.map(({ data, model }) => JSON.stringify([data, model])))];
  const rows = keys.map((key) => {
    const [data, model] = JSON.parse(key);
    const own = runs.filter((run) => run.data === data && run.model === model);
    const mean = (variant: string, of: 'auc' | 'processorSeconds'): number =>
      meanOf(own.filter((run) => run.variant === variant).map((run) => run[of]));
    return { data, model, own, mean };
  });
  rows.sort((a, b) => a.data.localeCompare(b.data) || b.mean(both, 'auc') - a.mean(both, 'auc'));
  const rankWithout = ({ data, mean }: (typeof rows)[number]): number =>
    1 + rows.filter((row) => row.data === data && row.mean(neither, 'auc') > mean(neither, 'auc')).length;
  return section(
    'input layer',
    ['model', 'data', 'seeds', 'with both', 'without', 'place without', 'gain [lowest, highest]', 'CPU s', 'without'],
    rows.map((row) => [
      row.model,
      row.data,
      String(row.own.filter(({ variant }) => variant === both).length),
      ...[both, neither].map((variant) => row.mean(variant, 'auc').toFixed(4)),
      String(rankWithout(row)),
      gain(row.own, both, neither),
      ...[both, neither].map((variant) => row.mean(variant, 'processorSeconds').toFixed(0)),
    ]),
  );
}

/** The rule for the decay of ids next to the fixed decays that are best on validation rows, by log loss and by AUC. */
function decayOfIds(name: string): Section {
  const runs = defaultsRuns(name).filter(({ model }) => model === 'shared-bottom');
  const decayIn = ({ variant }: DefaultsRun): number => Number(variant.slice('decay '.length));
  const rows = runs.flatMap((rule) => {
    const grid = runs
      .filter(({ data, seed, variant }) => data === rule.data && seed === rule.seed && /^decay \d/.test(variant))
      .sort((one, other) => decayIn(one) - decayIn(other));
    if (rule.variant !== ALL || grid.length < 2) return [];
    const byLoss = grid.reduce((one, other) => (other.validation.logloss < one.validation.logloss ? other : one));
    const byAuc = grid.reduce((one, other) => (other.validation.auc > one.validation.auc ? other : one));
    const gap = (best: number, own: number): string => signed(own - best);
    const earlier = runs.find(
      (run) => run.data === rule.data && run.seed === rule.seed && run.variant === 'earlier rule',
    );
    return [
      [
        rule.data,
        String(rule.seed),
        Object.values(rule.idDecay)
          .map((decay) => decay.toPrecision(2))
          .join(', '),
        ...[rule.auc, rule.validation.auc].map((number) => number.toFixed(4)),
        grid.map(decayIn).join(', '),
        String(decayIn(byLoss)),
        gap(byLoss.auc, rule.auc),
        String(decayIn(byAuc)),
        gap(byAuc.auc, rule.auc),
        gap(byAuc.validation.auc, rule.validation.auc),
        earlier === undefined ? '' : signed(earlier.auc - byAuc.auc),
      ],
    ];
  });
  const heads = ['seed', 'rule', 'test', 'validation', 'grid', 'by log loss', 'gap: test', 'by AUC', 'gap: test'];
  return section('decay of ids', ['data', ...heads, 'gap: validation', 'earlier rule: test'], rows);
}

const written = ({ table, notes }: Section): string =>
  [...markdownTable(table), ...notes.flatMap((note) => ['', `${note}.`])].join('\n');

test('docs/reproduction.md shows what the result files hold (mend with: npm run build:docs)', async () => {
  const page = readFileSync('docs/reproduction.md', 'utf8').replace(
    /(<!-- (?!end)(.+?) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin: string, marker: string, end: string) => `${begin}${written(sectionOf(marker))}\n${end}`,
  );
  for (const name of comparisons) expect(page).toContain(`<!-- ${name}: `);
  await expect(page).toMatchFileSnapshot('../docs/reproduction.md');
});

test.each(comparisons)('the result %s is of the comparison next to it', (name) => {
  const path = `reproduction/${name}.yaml`;
  expect(existsSync(path), path).toBe(true);
  const { seeds, models } = compareSchema.parse(withKeys(parse(readFileSync(path, 'utf8'))));
  const result = resultOf(name);
  expect(result.seeds).toEqual(seeds);
  for (const { models: found } of result.datasets) {
    expect(found.length).toBe(models.length);
    for (const model of found)
      expect({ trained: model.seeds, failed: model.failed }).toEqual({ trained: seeds, failed: [] });
  }
});

/** A model may be its key alone. */
const withKeys = (config: { models: unknown[] }) => ({
  ...config,
  models: config.models.map((model) => (typeof model === 'string' ? { model } : model)),
});
