/** Where a graph spends its time, by ONNX Runtime's profiler. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readText } from '../../base/files.ts';
import type { Session, SessionOptions } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';

/** Ops that multiply matrices, including the runtime's fused ones. */
const PRODUCTS = new Set(['Gemm', 'MatMul', 'FusedGemm', 'FusedMatMul']);

/** Runs of the graph; the first plans memory and is not counted. */
const RUNS = 4;

interface ProfileEvent {
  name: string;
  cat: string;
  /** Microseconds. */
  dur: number;
  args?: { op_name?: string };
}

/** Share of the time of each op, largest first, and of all matrix products together. */
export interface OperatorShares {
  operators: Record<string, number>;
  productShare: number;
}

/** Profiles a graph over a few runs. Profiling slows each node: use no other time of these runs. */
export async function operatorShares(
  bytes: Uint8Array,
  runtime: SessionOptions,
  run: (session: Session) => Promise<unknown>,
): Promise<OperatorShares> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-profile-'));
  try {
    const session = await createSession(bytes, { ...runtime, profile: join(folder, 'run') });
    for (let i = 0; i < RUNS; i++) await run(session);
    await session.release();
    const [file] = readdirSync(folder);
    return shares(JSON.parse(readText(join(folder, file), "the runtime's profile")) as ProfileEvent[]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function shares(events: readonly ProfileEvent[]): OperatorShares {
  const kernels = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'));
  const later = kernels.slice(Math.floor(kernels.length / RUNS));
  const times = new Map<string, number>();
  for (const { dur, args } of later) {
    const kind = args?.op_name ?? 'other';
    times.set(kind, (times.get(kind) ?? 0) + dur);
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const sorted = [...times].sort(([, a], [, b]) => b - a).map(([kind, time]): [string, number] => [kind, time / total]);
  const productShare = sorted.reduce((sum, [kind, share]) => sum + (PRODUCTS.has(kind) ? share : 0), 0);
  return { operators: Object.fromEntries(sorted), productShare };
}
