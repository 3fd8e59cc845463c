/** Runs before every file of quick tests, since they share a process: takes away what libraries leave on `globalThis`. */

// onnxruntime-web leaves a Worker in Node. jax-js would take it as a sign that it may start threads, and fail.
Reflect.deleteProperty(globalThis, 'Worker');
