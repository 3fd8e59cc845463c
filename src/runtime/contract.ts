/**
 * What a session is: it runs ONNX bytes, by onnxruntime-node, or by onnxruntime-web (WASM) where no native binary
 * exists.
 */

/** The native build, the WASM build, and the native build on a GPU. */
export type BackendName = 'node' | 'web' | 'webgpu' | 'cuda';
/** `auto`: native, or WASM where that does not load. `best`: CUDA where its libraries are, else as `auto`. */
export type BackendChoice = BackendName | 'auto' | 'best';
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** A tensor to feed or fetch. Data are used in place: views of an arena are read without a copy. */
export interface Value {
  type: 'float32' | 'int32' | 'bool';
  shape: readonly number[];
  data: TensorData;
}

/** A session in any thread. */
export interface RunningSession {
  readonly backend: BackendName;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  run(feeds: Record<string, Value>): Promise<Record<string, Value>>;
  release(): Promise<void>;
}

/** A session in this thread. */
export interface Session extends RunningSession {
  /**
   * Runs the graph. `into`: arrays, such as arena views, that receive the data of outputs, by name. Every output is
   * also returned.
   */
  run(feeds: Record<string, Value>, into?: Record<string, Value>): Promise<Record<string, Value>>;
}

export interface SessionOptions {
  backend?: BackendChoice;
  /** Default: all cores. */
  threads?: number;
  /** The contents of the files that hold the model's external tensors, by file name. */
  external?: Record<string, Uint8Array>;
  /**
   * For a model given as a path: names of the files next to it that hold its external tensors. `node` finds them
   * itself.
   */
  externalFiles?: readonly string[];
  /**
   * Prefix of the path of ONNX Runtime's own profile, which is written when the session is released. Native build only.
   */
  profile?: string;
}
