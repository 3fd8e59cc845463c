/**
 * A ranker: an artifact ready to answer. The server and programs that rank in their own process use the same one.
 * A request is encoded, run through the graph of its scenario (the joint graph where it has none), calibrated, scored and
 * put into order.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { closable } from '../../base/disposal.ts';
import { error } from '../../base/errors/index.ts';
import { loadServing } from '../../config/load-serving.ts';
import type { ServingConfig } from '../../config/serving.ts';
import { pickRows } from '../../data/prepared/pick.ts';
import type { TableSet } from '../../features/contract.ts';
import { build } from '../../features/host.ts';
import type { Answers } from '../../inference/executor.ts';
import type { CreateSession } from '../../inference/serving/artifact.ts';
import { createSession } from '../../runtime/session.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { type Artifact, openArtifact } from '../../store/artifact/open.ts';
import { copyArtifact } from '../../store/artifact/private-copy.ts';
import { makePrivateFolder } from '../../store/artifact/private-folder.ts';
import { featureModelOf } from '../features/model.ts';
import { createFileCache, loadTables, type OpenFile, type RankerTables } from '../features/tables.ts';
import { type AnswerSize, checkAnswerSize, createAnswerSize } from '../http/answer-size.ts';
import { createModelMetrics, type ModelMetrics } from '../metrics/model-metrics.ts';
import type { RankedItem, RankRequest } from './contract.ts';
import { explainRows, flowsInForce } from './explain.ts';
import { takePlaces, type Waiting } from './graph-runner.ts';
import { createGraphs, type Graphs } from './graphs.ts';
import { orderGiven, orderOf } from './order.ts';
import type {
  OpenedRequest,
  Ranker,
  RankerOptions,
  Ranking,
  RankingOptions,
  Scoring,
  ServedRanker,
} from './ranker-contract.ts';
import { checkRequest, mayHave, type RequestRules } from './request.ts';
import { requestFields } from './request-schema.ts';
import { createRequestEncoder, type EncodedRequest, type RequestEncoder } from './rows.ts';
import { createScoring, rescored, scoredItems } from './scoring.ts';
import { createTensorReader } from './tensors.ts';
import { WARM_ITEMS } from './warm.ts';

/**
 * Copies an artifact into a folder of this process alone, verifies the copy and makes a ranker of it: what happens to the
 * artifact's folder afterwards changes no answer. `close` removes the copy.
 *
 * @throws what copyArtifact and openArtifact throw; BACKEND_UNAVAILABLE, CONFIG_INVALID, SCORE_INVALID, SCORE_SCENARIO
 */
export async function loadRanker(folder: string, options: RankerOptions = {}): Promise<Ranker> {
  const config = await loadServing(options.config);
  const own = await makePrivateFolder(config.cacheFolder);
  try {
    const copy = join(own.path, 'artifact');
    const { source } = await copyArtifact({ from: folder, into: copy });
    const waiting: Waiting = { rows: 0, limit: config.limits.waitingRows, onBatch: () => {} };
    const { name, backend } = options;
    const tables = await tablesFor(copy, name, config, own.path);
    const ranker = await createRanker(copy, { name, source, backend, config, waiting, createSession, tables });
    return {
      ...ranker,
      async close() {
        await ranker.close();
        own.remove();
      },
    };
  } catch (cause) {
    own.remove();
    throw cause;
  }
}

/** The tables of an artifact that is served on its own; undefined where none are configured. */
async function tablesFor(
  copy: string,
  name: string | undefined,
  config: ServingConfig,
  folder: string,
): Promise<TableSet | undefined> {
  const { features, loadSeconds } = config;
  if (features === undefined) return undefined;
  const models = [featureModelOf(copy, name, features)];
  const { maxBytes, ownProcess } = features;
  const built = await build({ models, folder, maxBytes }, { ownProcess, seconds: loadSeconds });
  return built?.sets[0];
}

export interface CreateRankerOptions extends Pick<RankerOptions, 'name' | 'backend'> {
  /** The folder that was copied: what is shown. */
  source: string;
  config: ServingConfig;
  /** Shared by all rankers of a process. */
  waiting: Waiting;
  /** Where requests may leave out values. */
  tables?: TableSet;
  openFile?: OpenFile;
  /** Where graphs run: in this thread, which is blocked meanwhile, or in one of their own. */
  createSession: CreateSession;
}

/**
 * A ranker of a private copy of an artifact, which must stay until it is closed.
 *
 * @throws what openArtifact throws; BACKEND_UNAVAILABLE, SCORE_INVALID, SCORE_SCENARIO
 */
export async function createRanker(copy: string, options: CreateRankerOptions): Promise<ServedRanker> {
  const artifact = await openArtifact(copy, { tablesAreVerified: true });
  const { manifest } = artifact;
  const { config, waiting } = options;
  const name = options.name ?? manifest.name;
  const scoring = createScoring(manifest, Object.hasOwn(config.score, name) ? config.score[name] : undefined);
  const graphs = await createGraphs(artifact, {
    threads: config.threads,
    backend: options.backend,
    createSession: options.createSession,
    batching: config.batching,
    onBatch: waiting.onBatch,
  });
  const tensors = createTensorReader(manifest, artifact.encoder, config.limits.items);
  const encoder = createRequestEncoder(artifact.encoder, manifest.data);
  const { openFile = createFileCache() } = options;
  const given: { tables?: RankerTables } = {};
  if (options.tables !== undefined) given.tables = await loadTables(options.tables, artifact.encoder, openFile);
  const context: Context = {
    label: `${name}@${manifest.id}`,
    rules: rulesOf(artifact, config, given),
    encoder,
    given,
    graphs,
    scoring,
    metrics: createModelMetrics(artifact),
    manifest,
    size: createAnswerSize(manifest, encoder.parts),
    waiting,
    limits: config.limits,
  };
  const warming: Context = {
    ...context,
    rules: { ...context.rules, items: Math.max(context.rules.items, WARM_ITEMS) },
  };
  return {
    ...closable,
    name,
    label: context.label,
    folder: options.source,
    manifest,
    metrics: context.metrics,
    fields: new Set([...context.rules.fields, ...context.rules.unread]),
    rank: async (request) => (await answer(context, request, { ordered: true, counted: true })).response,
    takes: (field) => mayHave(field, context.rules),
    ranking: (request, options) => answer(context, request, { ordered: true, counted: true, ...options }),
    scoringOf: (expression) =>
      createScoring(manifest, {
        scenarios: Object.fromEntries(manifest.data.scenarios.map((scenario) => [scenario, expression])),
      }),
    rescored: (ranking, scoring) => rescored(ranking, scoring, manifest),
    score: async (request) => (await answer(context, request, { ordered: false, counted: true })).response,
    opened: (request) => opened(warming, request),
    warm: async (request) => void (await answer(warming, request, { ordered: false, counted: false })),
    encode: (request) => context.encoder.encode(checkRequest(request, warming.rules), given.tables?.tables),
    tables: () => given.tables,
    async loadTables(set) {
      const next = await loadTables(set, artifact.encoder, openFile, given.tables);
      return () => {
        given.tables = next;
      };
    },
    async infer(request) {
      const feeds = tensors.feeds(request);
      const [rows] = request.inputs[0].shape;
      const names = request.outputs?.map((output) => output.name) ?? [];
      checkAnswerSize(context.size.tensors(rows, names), config.limits.answerBytes);
      const givePlaces = takePlaces(waiting, rows);
      try {
        return await graphs.infer(feeds);
      } finally {
        givePlaces();
      }
    },
    close: () => graphs.close(),
  };
}

interface Context {
  label: string;
  rules: RequestRules;
  encoder: RequestEncoder;
  /** What requests that begin now may leave out. */
  given: { tables?: RankerTables };
  graphs: Graphs;
  scoring: Scoring[];
  metrics: ModelMetrics;
  manifest: ArtifactManifest;
  size: AnswerSize;
  waiting: Waiting;
  limits: ServingConfig['limits'];
}

const rulesOf = ({ manifest: { data } }: Artifact, config: ServingConfig, given: Context['given']): RequestRules => ({
  fields: new Set(requestFields(data).map(({ name }) => name)),
  unread: new Set(data.unreadFields),
  tokens: new Set(data.fields.filter(({ kind }) => kind !== 'numeric').map(({ name }) => name)),
  scenarios: data.scenarios,
  hasSequences: data.sequences !== undefined,
  unknownFields: config.unknownFields,
  ...idNames(config, given),
  isGiven: (field) => given.tables?.fields.has(field) ?? false,
  items: config.limits.items,
});

/** Names that stand for ids in requests. */
function idNames(
  { events }: ServingConfig,
  { tables }: Context['given'],
): Pick<RequestRules, 'sharedNames' | 'itemNames'> {
  const names = (of: 'user' | 'item'): string[] =>
    (tables?.set.tables ?? []).filter((table) => table.of === of).map(({ sentAs }) => sentAs);
  return {
    sharedNames: new Set([...names('user'), ...(events?.unit === undefined ? [] : [events.unit])]),
    itemNames: new Set(names('item')),
  };
}

async function answer(
  context: Context,
  input: RankRequest,
  options: RankingOptions & { ordered: boolean; counted: boolean },
): Promise<Ranking> {
  const start = performance.now();
  const { label, rules, encoder, given, graphs, metrics, manifest } = context;
  const { ordered, counted, exploration, scoring = context.scoring } = options;
  const request = checkRequest(input, rules);
  const givePlaces = counted ? takeRequestPlaces(context, request) : () => {};
  try {
    const scenario = manifest.data.scenarios.indexOf(request.scenario);
    const encoded = encoder.encode(request, given.tables?.tables, counted);
    const outputs = await graphs.run(scenario, encoded);
    const scored = scoredItems(manifest, scoring[scenario], request, outputs);
    if (counted) {
      metrics.addRequest(scenario, encoded);
      for (const { score } of scored) metrics.addScore(scenario, score);
    }
    const shown = Math.min(scored.length, request.top_k ?? scored.length);
    const order = ordered ? orderOf(scored, shown, exploration) : orderGiven(scored, shown);
    const chosen = order.items.slice(0, shown);
    if (request.explain) await explain(context, scenario, encoded, outputs, scored, chosen);
    const response = {
      request_id: request.request_id ?? randomUUID(),
      model: label,
      items: chosen.map((i) => scored[i]),
      took_ms: Math.round((performance.now() - start) * 1000) / 1000,
    };
    return { response, request, scored, order, fromTables: encoded.fromTables, scoreHash: scoring[scenario].hash };
  } finally {
    givePlaces();
  }
}

/**
 * Places for all rows of a request: its items, and for each item that is explained a row for every part.
 *
 * @throws ANSWER_TOO_LARGE, EXPLANATION_TOO_LARGE, SERVER_BUSY
 */
function takeRequestPlaces({ size, encoder, waiting, limits }: Context, request: RankRequest): () => void {
  const { items, top_k, explain: isExplained } = request;
  const answered = Math.min(items.length, top_k ?? items.length);
  const explained = isExplained ? Math.min(answered, limits.explainedItems) : 0;
  checkAnswerSize(size.ranking(request, answered, explained), limits.answerBytes);
  const rows = explained * encoder.parts.length;
  if (rows > waiting.limit) throw error('EXPLANATION_TOO_LARGE', { rows, limit: waiting.limit });
  return takePlaces(waiting, items.length + rows);
}

async function opened(context: Context, input: unknown): Promise<OpenedRequest> {
  const { rules, encoder, given, graphs, manifest, scoring } = context;
  const request = checkRequest(input, rules);
  const scenario = manifest.data.scenarios.indexOf(request.scenario);
  const encoded = encoder.encode(request, given.tables?.tables);
  const outputs = await graphs.run(scenario, encoded);
  const scored = scoredItems(manifest, scoring[scenario], request, outputs);
  return {
    request,
    encoded,
    outputs,
    scoring: scoring[scenario],
    scored,
    order: orderOf(scored, scored.length, undefined).items,
    encoder,
    run: (rows) => graphs.run(scenario, rows),
    flows: (rows) => flowsOf(context, scenario, encoded, rows),
  };
}

async function flowsOf(
  { graphs, manifest: { flows, data } }: Context,
  scenario: number,
  encoded: EncodedRequest,
  rows: readonly number[],
): Promise<Record<string, string[]>[] | undefined> {
  const gates = await graphs.gates(scenario, pickRows(encoded, rows));
  return gates && flows && rows.map((_, i) => flowsInForce(gates, i, flows.names, data.tasks));
}

/** Adds explanations to the first chosen items. */
async function explain(
  context: Context,
  scenario: number,
  encoded: EncodedRequest,
  outputs: Answers,
  items: RankedItem[],
  chosen: readonly number[],
): Promise<void> {
  const { graphs, encoder, manifest, limits } = context;
  const rows = chosen.slice(0, limits.explainedItems);
  const run = (part: Parameters<Graphs['run']>[1]) => graphs.run(scenario, part);
  const explanations = await explainRows({ rows, encoded, outputs, encoder, tasks: manifest.data.tasks, run });
  const flows = await flowsOf(context, scenario, encoded, rows);
  rows.forEach((row, i) => {
    items[row].explanation = { ...explanations[i], ...(flows && { flows: flows[i] }) };
  });
}
