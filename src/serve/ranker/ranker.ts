/**
 * A ranker: an artifact ready to answer. The server and programs that rank in their own process use the same one.
 * A request is encoded, run through the graph of its scenario (the joint graph where it has none), calibrated, scored and
 * put into order.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { closable } from '../../base/disposal.ts';
import { error } from '../../base/errors/index.ts';
import { sha256 } from '../../base/hash.ts';
import { nearest } from '../../base/nearest.ts';
import { loadServing } from '../../config/load-serving.ts';
import type { ServingConfig, ServingInput } from '../../config/serving.ts';
import { pickRows } from '../../data/prepared/pick.ts';
import type { Impression } from '../../events/event.ts';
import type { TableSet } from '../../features/contract.ts';
import { build } from '../../features/host.ts';
import type { Answers } from '../../inference/executor.ts';
import type { CreateSession } from '../../inference/serving/artifact.ts';
import type { SessionOptions, Value } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import { calibrator } from '../../store/artifact/calibration.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { type Artifact, openArtifact } from '../../store/artifact/open.ts';
import { copyArtifact } from '../../store/artifact/private-copy.ts';
import { makePrivateFolder } from '../../store/artifact/private-folder.ts';
import { compileScore } from '../../store/artifact/score.ts';
import { featureModelOf } from '../features/model.ts';
import { createFileCache, loadTables, type OpenFile, type RankerTables } from '../features/tables.ts';
import { type AnswerSize, checkAnswerSize, createAnswerSize } from '../http/answer-size.ts';
import { createModelMetrics, type ModelMetrics } from '../metrics/model-metrics.ts';
import type { RankedItem, RankRequest, RankResponse, Rows } from './contract.ts';
import { explainRows, flowsInForce } from './explain.ts';
import { takePlaces, type Waiting } from './graph-runner.ts';
import { createGraphs, type Graphs } from './graphs.ts';
import { type Exploration, type Order, orderGiven, orderOf } from './order.ts';
import { checkRequest, mayHave, type RequestRules } from './request.ts';
import { requestFields } from './request-schema.ts';
import { createRequestEncoder, type EncodedRequest, type RequestEncoder } from './rows.ts';
import { createTensorReader, type InferRequest } from './tensors.ts';
import { WARM_ITEMS } from './warm.ts';

export interface RankerOptions {
  /** What requests call it, and the entry of `score` in the configuration that holds for it. Default: the artifact's name. */
  name?: string;
  backend?: SessionOptions['backend'];
  /**
   * A serving configuration, or the path of one (YAML, JSON, TypeScript). A ranker takes `score`, `unknownFields`, `limits`,
   * `batching`, `threads` and `cacheFolder` from it; what is about HTTP has no effect. See docs/serving.md.
   */
  config?: string | ServingInput;
}

/** Disposing closes it. */
export interface Ranker extends AsyncDisposable {
  readonly name: string;
  /** `name@id`: what answers name. */
  readonly label: string;
  /** Where the artifact came from: absolute, links resolved. What lies there by now is of no concern. */
  readonly folder: string;
  readonly manifest: ArtifactManifest;
  readonly metrics: ModelMetrics;
  /**
   * Candidates by falling score.
   *
   * @throws REQUEST_INVALID, SCENARIO_UNKNOWN, TOO_MANY_ITEMS, ROW_VALUE_INVALID, SEQUENCE_INVALID, SCORE_UNDEFINED,
   *   ANSWER_TOO_LARGE, EXPLANATION_TOO_LARGE, SERVER_BUSY
   */
  rank(request: RankRequest): Promise<RankResponse>;
  /** The same in the order given. */
  score(request: RankRequest): Promise<RankResponse>;
  /** What the answer to a request (a parsed body) is made of, for explanations. Counts nothing. Throws what rank throws of the request. */
  opened(request: unknown): Promise<OpenedRequest>;
  /** Answers without counting, and however much waits: to have all in its place before requests come, and to try it. */
  warm(request: RankRequest): Promise<void>;
  /** Runs the joint graph on tensors; nothing is calibrated. Throws what TensorReader.feeds throws, ANSWER_TOO_LARGE, SERVER_BUSY. */
  infer(request: InferRequest): Promise<Record<string, Value>>;
  /** Frees what the graphs hold. No request may be running. */
  close(): Promise<void>;
}

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

/** A request whose answer is to be explained. */
export interface OpenedRequest {
  request: RankRequest;
  /** Rows of the candidates, and what the graph says of them. */
  encoded: EncodedRequest;
  outputs: Answers;
  scoring: Scoring;
  scored: readonly RankedItem[];
  /** Of `scored`, by falling score. */
  order: readonly number[];
  /** What can be unknown of a row, and rows without it. */
  encoder: Pick<RequestEncoder, 'parts' | 'without'>;
  /** Runs rows of the request's scenario. */
  run(rows: Rows): Promise<Answers>;
  /** By task: flows that reach it for a row of `encoded`; undefined where the artifact has no flow gates. */
  flows(rows: readonly number[]): Promise<Record<string, string[]>[] | undefined>;
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

/** An answer, and what a log says of it. */
export interface Ranking {
  response: RankResponse;
  /** As it was used. */
  request: RankRequest;
  /** All candidates in the order given. */
  scored: readonly RankedItem[];
  /** Values that came from tables. */
  fromTables: EncodedRequest['fromTables'];
  /** Of `scored`. */
  order: Order;
  /** First 16 hexadecimal digits of the SHA-256 of the score expression. */
  scoreHash: string;
  /** The experiments that the request takes part in. */
  experiments?: Impression['experiments'];
  /** Of all candidates, by a model that only scored them. */
  shadowScores?: readonly number[];
  /** The items of the response as JSON, once they were written. */
  itemsText?: string;
}

export interface RankingOptions {
  /** How the order is drawn. Default: by falling score. */
  exploration?: Exploration;
  /** In place of the scores of the model. */
  scoring?: readonly Scoring[];
}

/** A ranker as a service has it. */
export interface ServedRanker extends Ranker {
  /** Fields of the data whose values a log may keep: those of the model, and those that it does not read. */
  readonly fields: ReadonlySet<string>;
  /** May user and context have this name? */
  takes(name: string): boolean;
  /** `rank`, and what a log says of it. */
  ranking(request: RankRequest, options?: RankingOptions): Promise<Ranking>;
  /** A score expression for all scenarios. Throws SCORE_INVALID. */
  scoringOf(expression: string): Scoring[];
  /** The items of a ranking of this ranker by falling score of other expressions; the answer stays as it is. Throws SCORE_UNDEFINED. */
  rescored(ranking: Ranking, scoring: readonly Scoring[]): Ranking;
  /** The rows of a request, checked; nothing runs. Throws what rank throws of the request. */
  encode(request: RankRequest): EncodedRequest;
  /** Where requests leave out values; undefined where no tables are configured. */
  tables(): RankerTables | undefined;
  /** Loads other tables; requests that begin after the function that it gives was called use them. */
  loadTables(set: TableSet): Promise<() => void>;
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

/** How one scenario's outputs become what is answered. */
export interface Scoring {
  expression: string;
  /** First 16 hexadecimal digits of its SHA-256. */
  hash: string;
  score: (probabilities: readonly number[]) => number;
  /** By task: calibrated probability. */
  calibrate: ((logit: number, probability: number) => number)[];
}

function createScoring(manifest: ArtifactManifest, override: ServingConfig['score'][string] | undefined): Scoring[] {
  const { scenarios, tasks } = manifest.data;
  for (const found of Object.keys(override?.scenarios ?? {}))
    if (!scenarios.includes(found))
      throw error('SCORE_SCENARIO', { found, near: nearest(found, scenarios), known: scenarios });
  const ownExpressions = { ...manifest.score.scenarios, ...override?.scenarios };
  const fallback = override?.default ?? manifest.score.default;
  return scenarios.map((name, s) => {
    const expression = Object.hasOwn(ownExpressions, name) ? ownExpressions[name] : fallback;
    return {
      expression,
      hash: sha256(expression).slice(0, 16),
      score: compileScore(expression, tasks),
      calibrate: manifest.calibration[s].map(calibrator),
    };
  });
}

function scoredItems(
  { data: { tasks } }: ArtifactManifest,
  { score, calibrate, expression }: Scoring,
  { items, scenario: name }: RankRequest,
  { logits, probabilities }: Answers,
): RankedItem[] {
  const values = new Array<number>(tasks.length);
  return items.map(({ id }, row) => {
    const named: Record<string, number> = {};
    for (let t = 0; t < tasks.length; t++) {
      values[t] = calibrate[t](logits[row * tasks.length + t], probabilities[t][row]);
      named[tasks[t]] = values[t];
    }
    const found = score(values);
    if (!Number.isFinite(found)) throw error('SCORE_UNDEFINED', { expression, scenario: name });
    return { id, score: found, probabilities: named };
  });
}

function rescored(ranking: Ranking, scoring: readonly Scoring[], { data }: ArtifactManifest): Ranking {
  const { request, order } = ranking;
  const { score, hash, expression } = scoring[data.scenarios.indexOf(request.scenario)];
  const scored = ranking.scored.map(({ id, probabilities }) => {
    const found = score(data.tasks.map((task) => probabilities[task]));
    if (!Number.isFinite(found)) throw error('SCORE_UNDEFINED', { expression, scenario: request.scenario });
    return { id, score: found, probabilities };
  });
  return { ...ranking, scored, order: orderOf(scored, order.shown, undefined), scoreHash: hash };
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
