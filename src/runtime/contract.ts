/** Sessions run ONNX bytes. onnxruntime-node is the default; onnxruntime-web (WASM) where there is no native binary. */

export type BackendName = 'node' | 'web';
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** A tensor to feed or fetch: data are taken as they are (views of the arena are read without a copy). */
export interface Value {
  type: 'float32' | 'int32' | 'bool';
  shape: readonly number[];
  data: TensorData;
}

/** A session in whatever thread. */
export interface RunningSession {
  readonly backend: BackendName;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  run(feeds: Record<string, Value>): Promise<Record<string, Value>>;
  release(): Promise<void>;
}

/** A session in this thread. */
export interface Session extends RunningSession {
  /** Runs the graph. `into` names arrays (e.g. arena views) that receive an output's data; every output is also returned. */
  run(feeds: Record<string, Value>, into?: Record<string, Value>): Promise<Record<string, Value>>;
}

export interface SessionOptions {
  backend?: BackendName | 'auto';
  /** Default: all cores. */
  threads?: number;
  /** Content of the files that the model's external tensors name, by that name. */
  external?: Record<string, Uint8Array>;
  /** Of a model given as a file: names of the files beside it that hold its external tensors. `node` finds them by itself. */
  beside?: readonly string[];
  /** Writes ONNX Runtime's own profile to a file whose path begins so, when the session is released. Native build only. */
  profile?: string;
}
