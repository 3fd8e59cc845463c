/** Rows through the graphs that serve: what a server would answer, before calibration. */
import type { Artifact } from '../artifact/open.ts';
import type { Batch } from '../data/prepared.ts';
import type { Session, SessionOptions, Value } from '../runtime/contract.ts';
import { createSession } from '../runtime/session.ts';
import { openGraph } from './rows-session.ts';
import type { ServedModel } from './served-model.ts';
import { type ServingGraph, servingGraph } from './serving-graph.ts';

export type RowsToServe = Pick<Batch, 'size' | 'ids' | 'scenario' | 'sequences'>;

export interface Served {
  /** [size, T] */
  logits: Float32Array;
  /** [size, T] */
  probabilities: Float32Array;
}

export interface Server {
  score(rows: RowsToServe): Promise<Served>;
  close(): Promise<void>;
}

/** Graphs of a model, the joint one first, with tables from memory. */
export async function serveModel(
  served: ServedModel,
  graphs: readonly ServingGraph[] = [servingGraph(served)],
  options: SessionOptions = {},
): Promise<Server> {
  const sessions = new Map<number | undefined, Session>();
  for (const graph of graphs) sessions.set(graph.scenario, await openGraph(served, graph, options));
  return serverOf(sessions, served.data);
}

/** The graphs of an artifact, with tables from its files. */
export async function serveArtifact({ manifest, path }: Artifact, options: SessionOptions = {}): Promise<Server> {
  const fileOf = new Map(manifest.tables.map(({ name, file }) => [name, file]));
  const sessions = new Map<number | undefined, Session>();
  for (const { file, scenario, tables } of manifest.graphs) {
    const beside = tables.map((name) => fileOf.get(name) as string);
    sessions.set(scenario, await createSession(path(file), { ...options, beside }));
  }
  return serverOf(sessions, manifest.data);
}

type Data = Pick<ServedModel['data'], 'tasks' | 'sequences'>;

/** Of each row the graph of its scenario, where there is one, else the joint one, which has no scenario. */
function serverOf(sessions: ReadonlyMap<number | undefined, Session>, data: Data): Server {
  const joint = sessions.get(undefined) as Session;
  return {
    async score(rows) {
      if (sessions.size === 1) return run(joint, rows, data);
      const result = emptyResult(rows.size, data.tasks.length);
      for (const [session, places] of bySession(rows, (scenario) => sessions.get(scenario) ?? joint)) {
        const { logits, probabilities } = await run(session, pick(rows, places), data);
        spread(logits, places, result.logits);
        spread(probabilities, places, result.probabilities);
      }
      return result;
    },
    async close() {
      for (const session of sessions.values()) await session.release();
    },
  };
}

const emptyResult = (size: number, tasks: number): Served => ({
  logits: new Float32Array(size * tasks),
  probabilities: new Float32Array(size * tasks),
});

async function run(
  session: Session,
  { size, ids, scenario, sequences: items }: RowsToServe,
  { tasks, sequences }: Data,
): Promise<Served> {
  const int32 = (data: Int32Array, ...rest: number[]): Value => ({
    type: 'int32',
    shape: [size, ...rest],
    data: data.subarray(
      0,
      rest.reduce((product, n) => product * n, size),
    ),
  });
  const values: Record<string, Value | undefined> = {
    ids: int32(ids, ids.length / scenario.length),
    scenario: int32(scenario),
    sequences: items && sequences && int32(items, sequences.types.length, sequences.length),
  };
  const found = await session.run(Object.fromEntries(session.inputs.map((name) => [name, values[name] as Value])));
  const result: Served = { ...emptyResult(size, tasks.length), logits: found.logits.data as Float32Array };
  tasks.forEach((task, t) => {
    const own = found[`probability_${task}`].data; // [size]
    for (let row = 0; row < size; row++) result.probabilities[row * tasks.length + t] = own[row];
  });
  return result;
}

/** The places of the rows that each session scores. */
function bySession({ size, scenario }: RowsToServe, sessionOf: (scenario: number) => Session): Map<Session, number[]> {
  const places = new Map<Session, number[]>();
  for (let row = 0; row < size; row++) {
    const session = sessionOf(scenario[row]);
    const own = places.get(session);
    if (own === undefined) places.set(session, [row]);
    else own.push(row);
  }
  return places;
}

function pick({ ids, scenario, sequences }: RowsToServe, places: readonly number[]): RowsToServe {
  const rows = (from: Int32Array): Int32Array => {
    const width = from.length / scenario.length;
    const picked = new Int32Array(places.length * width);
    places.forEach((place, i) => {
      picked.set(from.subarray(place * width, (place + 1) * width), i * width);
    });
    return picked;
  };
  return {
    size: places.length,
    ids: rows(ids),
    scenario: rows(scenario),
    ...(sequences && { sequences: rows(sequences) }),
  };
}

function spread(from: Float32Array, places: readonly number[], into: Float32Array): void {
  const width = from.length / places.length;
  places.forEach((place, i) => {
    into.set(from.subarray(i * width, (i + 1) * width), place * width);
  });
}
