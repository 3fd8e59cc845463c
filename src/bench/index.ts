/** Measures how fast this machine trains. */
export { runCommBench } from './comm-bench.ts';
export { twoCopies } from './copies.ts';
export { formatCommBench, formatDeviceBench, formatScaling, formatTimings } from './format.ts';
export { formatServeBench, runServeBench, type ServeBenchOptions } from './serve-bench.ts';
export { type DeviceBenchOptions, runDeviceBench } from './train/device-bench.ts';
export { type PhaseTiming, runTrainBench, type TrainBenchOptions } from './train/train-bench.ts';
