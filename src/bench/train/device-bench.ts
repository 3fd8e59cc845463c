/**
 * What a GPU brings in training, and what it costs to send it each step's inputs and fetch its outputs: steps on the CPU and on the device, and
 * runs there of a graph that only copies as many bytes.
 */
import { compile, Graph, relu, slice } from '../../graph/index.ts';
import type { SessionOptions, Value } from '../../runtime/contract.ts';
import { backendOn, type Device } from '../../runtime/devices.ts';
import { createSession } from '../../runtime/session.ts';
import { median } from '../clock.ts';
import type { PlainTimes } from './timed-phase.ts';
import { type TrainBenchOptions, timeSteps } from './train-bench.ts';

export interface DeviceBenchOptions extends Omit<TrainBenchOptions, 'batch' | 'backend' | 'device'> {
  device: Device;
  /** Rows of a step; several are measured one after the other. */
  batches: number[];
}

export interface DeviceTiming extends Pick<PlainTimes, 'model' | 'phase' | 'batchSize' | 'bytesIn' | 'bytesOut'> {
  device: Device;
  /** Of a whole step, and of the run of its graph alone: medians. */
  stepMs: number;
  runMs: number;
  rowsPerSecond: number;
  /** Of a run that only copies as many bytes in and out. */
  transferMs: number;
  /** transferMs over runMs. */
  transferShare: number;
  /** stepMs on the CPU over stepMs: how much faster a step is. */
  speed: number;
}

export interface DeviceBench {
  /** Of a run that copies a single number: what each run costs at the device. */
  emptyMs: number;
  timings: DeviceTiming[];
}

/**
 * Measures the first phase of a model, or the given one, on the CPU and on a device.
 *
 * @throws DEVICE_UNAVAILABLE, CONFIG_INVALID, MEMORY_TOO_LARGE, MEMORY_UNAVAILABLE
 */
export async function runDeviceBench({ device, batches, ...options }: DeviceBenchOptions): Promise<DeviceBench> {
  const copies = { backend: backendOn(device), threads: options.threads };
  const emptyMs = await timeCopies(4, 4, options.steps, copies); // first: no device, no measurement
  const timings: DeviceTiming[] = [];
  for (const batch of batches) {
    const devices = device === 'cpu' ? [device] : (['cpu', device] as const);
    for (const on of devices) {
      const timing = await timeSteps({ ...options, batch, device: on });
      const { model, phase, batchSize, bytesIn, bytesOut, medianMs, rowsPerSecond, parts } = timing;
      const transferMs = await timeCopies(bytesIn, bytesOut, options.steps, { ...copies, backend: backendOn(on) });
      const ofCpu = on === devices[0] ? medianMs : timings[timings.length - 1].stepMs;
      timings.push({
        model,
        phase,
        batchSize,
        bytesIn,
        bytesOut,
        device: on,
        stepMs: medianMs,
        runMs: parts.run,
        rowsPerSecond,
        transferMs,
        transferShare: transferMs / parts.run,
        speed: ofCpu / medianMs,
      });
    }
  }
  return { emptyMs, timings };
}

/** Runs that are not counted: memory is taken at the first. */
const WARM_UP = 3;

/** Median milliseconds of a run with inputs and outputs of that many bytes, that computes next to nothing. */
async function timeCopies(bytesIn: number, bytesOut: number, runs: number, runtime: SessionOptions): Promise<number> {
  const [given, taken] = [Math.max(bytesIn, bytesOut) / 4, bytesOut / 4];
  const graph = new Graph();
  const x = graph.input('x', [given]);
  const session = await createSession(compile({ y: relu(slice(x, 0, 0, taken)) }).bytes, runtime);
  try {
    const value: Value = { type: 'float32', shape: [given], data: new Float32Array(given).fill(0.5) };
    const times: number[] = [];
    for (let run = -WARM_UP; run < runs; run++) {
      const started = performance.now();
      await session.run({ x: value });
      if (run >= 0) times.push(performance.now() - started);
    }
    return median(times);
  } finally {
    await session.release();
  }
}
