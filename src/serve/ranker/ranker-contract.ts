/** What a ranker can do: for programs that rank in their own process, and for a service. */
import type { ServingInput } from '../../config/serving.ts';
import type { Impression } from '../../events/event.ts';
import type { TableSet } from '../../features/contract.ts';
import type { Answers } from '../../inference/executor.ts';
import type { SessionOptions, Value } from '../../runtime/contract.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { RankerTables } from '../features/tables.ts';
import type { ModelMetrics } from '../metrics/model-metrics.ts';
import type { RankedItem, RankRequest, RankResponse, Rows } from './contract.ts';
import type { Exploration, Order } from './order.ts';
import type { EncodedRequest, RequestEncoder } from './rows.ts';
import type { InferRequest } from './tensors.ts';

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

/** How one scenario's outputs become what is answered. */
export interface Scoring {
  expression: string;
  /** First 16 hexadecimal digits of its SHA-256. */
  hash: string;
  score: (probabilities: readonly number[]) => number;
  /** By task: calibrated probability. */
  calibrate: ((logit: number, probability: number) => number)[];
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
