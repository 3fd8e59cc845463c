/** Metrics of a process: requests by route and status, their latency, queues, memory and processor time. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { lostLines } from '../http/log.ts';
import { type Family, family, Histogram, type Labels } from './metrics.ts';

const SECONDS = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/**
 * Why the server closed a connection: it was silent or idle when others came, sent its body too slowly, did not read its answer, or
 * no other connection could be closed for it.
 */
export type ConnectionEnd = 'silent' | 'idle' | 'slow' | 'unread' | 'full';

export interface ServerMetrics {
  addRequest(method: string, route: string, status: number, seconds: number): void;
  /** Counts a refused request by the code of its error. */
  addRefusal(code: string): void;
  addBatch(rows: number, requests: number): void;
  addItems(count: number): void;
  addConnectionEnd(reason: ConnectionEnd): void;
  /** Open connections, and the bytes of bodies and answers held for them. */
  setOpen(connections: number, bytes: number): void;
  addSwap(outcome: 'loaded' | 'refused' | 'rolled back'): void;
  families(waitingRows: number): Family[];
  close(): void;
}

export function createServerMetrics(): ServerMetrics {
  const requests = new Map<string, { labels: Labels; count: number }>();
  const latency = new Map<string, { labels: Labels; histogram: Histogram }>();
  const swaps = new Map<string, number>();
  const refusals = new Map<string, number>();
  const ends = new Map<ConnectionEnd, number>();
  const open = { connections: 0, bytes: 0 };
  const items = new Histogram(SIZES);
  const batchRows = new Histogram(SIZES);
  const batchRequests = new Histogram(SIZES.slice(0, 7));
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();

  return {
    addRequest(method, route, status, seconds) {
      const where = `${method} ${route}`;
      const counted = entryOf(requests, `${where} ${status}`, () => ({
        labels: { method, route, status: String(status) },
        count: 0,
      }));
      counted.count++;
      entryOf(latency, where, () => ({
        labels: { method, route },
        histogram: new Histogram(SECONDS),
      })).histogram.add(seconds);
    },
    addRefusal: (code) => void refusals.set(code, (refusals.get(code) ?? 0) + 1),
    addBatch(rows, count) {
      batchRows.add(rows);
      batchRequests.add(count);
    },
    addConnectionEnd: (reason) => void ends.set(reason, (ends.get(reason) ?? 0) + 1),
    setOpen(connections, bytes) {
      open.connections = connections;
      open.bytes = bytes;
    },
    addItems: (count) => items.add(count),
    addSwap: (outcome) => void swaps.set(outcome, (swaps.get(outcome) ?? 0) + 1),
    families(waitingRows) {
      const cpu = process.cpuUsage();
      const lag = delay.percentile(99) / 1e9;
      delay.reset();
      return [
        family('tributary_requests_total', 'Requests by route and status.', 'counter', [
          ...[...requests.values()].map(({ labels, count }) => ({ labels, values: [count] })),
        ]),
        family(
          'tributary_request_seconds',
          'Time from the arrival of a request to its answer.',
          'histogram',
          [...latency.values()].map(({ labels, histogram }) => ({ labels, values: [...histogram.values] })),
          SECONDS,
        ),
        family(
          'tributary_refusals_total',
          'Refused requests by the code of the error.',
          'counter',
          [...refusals].map(([code, count]) => ({ labels: { code }, values: [count] })),
        ),
        histogramFamily('tributary_request_items', 'Items of a request.', items),
        histogramFamily('tributary_batch_rows', 'Rows of a batch.', batchRows),
        histogramFamily('tributary_batch_requests', 'Requests of a batch.', batchRequests),
        gauge('tributary_waiting_rows', 'Rows waiting for a graph.', waitingRows),
        family(
          'tributary_swaps_total',
          'Changes of models by outcome.',
          'counter',
          [...swaps].map(([outcome, count]) => ({ labels: { outcome }, values: [count] })),
        ),
        gauge('tributary_connections', 'Open connections.', open.connections),
        gauge('tributary_open_bytes', 'Bytes of bodies and answers in memory.', open.bytes),
        family(
          'tributary_connections_ended_total',
          'Connections and bodies given up to make room or because they took too long.',
          'counter',
          [...ends].map(([reason, count]) => ({ labels: { reason }, values: [count] })),
        ),
        gauge('tributary_processes', 'Processes that answer.', 1),
        gauge(
          'process_resident_memory_bytes',
          'Memory of all processes; shared pages count in each.',
          process.memoryUsage.rss(),
        ),
        gauge('nodejs_heap_used_bytes', 'Bytes of JavaScript objects.', process.memoryUsage().heapUsed),
        {
          ...gauge('process_cpu_seconds_total', 'Processor time used.', (cpu.user + cpu.system) / 1e6),
          kind: 'counter',
        },
        {
          ...gauge(
            'nodejs_eventloop_lag_p99_seconds',
            '99th percentile of the delay of the event loop since the last scrape.',
            Number.isFinite(lag) ? lag : 0,
          ),
          over: 'max',
        },
      ];
    },
    close: () => void delay.disable(),
  };
}

/** Kept apart from ServerMetrics: the primary of several processes has a log, and no server. */
export const lostLinesFamily = (): Family =>
  family('tributary_log_lines_lost_total', 'Lines of the log that could not be written.', 'counter', [
    { labels: {}, values: [lostLines()] },
  ]);

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

const gauge = (name: string, help: string, value: number): Family =>
  family(name, help, 'gauge', [{ labels: {}, values: [value] }]);

const histogramFamily = (name: string, help: string, { edges, values }: Histogram): Family =>
  family(name, help, 'histogram', [{ labels: {}, values: [...values] }], edges);
