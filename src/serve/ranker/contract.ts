/** Requests and answers of a ranker, the same over HTTP and as a library. Names with underscores are those of the JSON bodies. */

/** Values by field name. Those of a user may have `sequences` if the model reads some: lists of items by type, oldest first. */
export type Values = Record<string, unknown>;

/**
 * A candidate: its id, which is returned, and the values of its fields. The id is never the value of a field: if the model has
 * a field called `id`, its value is given in `fields`, in the user or in the context.
 */
export type Item = Values & { id: string | number };

export interface RankRequest {
  scenario: string;
  user?: Values;
  /** Values of the moment: time, place, device. They override those of the user; those of an item override both. */
  context?: Values;
  items: Item[];
  /** Return only this many items, the best. Default: all. */
  top_k?: number;
  /** Return what each field contributes. Default false. */
  explain?: boolean;
  /** Returned in the answer. Default: a new one. */
  request_id?: string;
  /** `name`, or `name@id` for exactly one artifact. Default: the first model served. */
  model?: string;
}

export interface Explanation {
  /** By field, then task: logit of the row minus its logit with the field unknown. `sequences` stands for all sequences. */
  fields: Record<string, Record<string, number>>;
  /** By task: information flows that reach it for this row. Absent where the artifact has no flow gates. */
  flows?: Record<string, string[]>;
}

export interface RankedItem {
  id: string | number;
  score: number;
  /** By task, calibrated. */
  probabilities: Record<string, number>;
  explanation?: Explanation;
  /** The arm whose ranking it was taken from, where those of several were interleaved. */
  team?: string;
}

/** An experiment that a request took part in. */
export interface Exposure {
  key: string;
  arm: string;
  bucket_version: number;
  /** Code of the error with which the model of the arm failed: the control answered instead. */
  failed?: string;
}

export interface RankResponse {
  request_id: string;
  /** `name@id` of the artifact that answered. */
  model: string;
  /** `rank`: by falling score, equal ones in the order given. `score`: in the order given. */
  items: RankedItem[];
  took_ms: number;
  /** Absent where the request takes part in none. */
  experiments?: Exposure[];
}

/** Rows ready for a graph. */
export interface Rows {
  size: number;
  /** [size, slots] */
  ids: Int32Array;
  /** [size, K, L], where the artifact has sequences. */
  sequences?: Int32Array;
}
