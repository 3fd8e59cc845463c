/** Measures how fast this machine trains. */
export { twoCopies } from './copies.ts';
export { formatTimings } from './format.ts';
export { formatServeBench, runServeBench, type ServeBenchOptions } from './serve-bench.ts';
export { type PhaseTiming, runTrainBench, type TrainBenchOptions } from './train-bench.ts';
