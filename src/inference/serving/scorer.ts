/** Rows through the graphs that serve: what a server would answer, before calibration. */

import { error } from '../../base/errors/index.ts';
import { firstNotFinite } from '../../base/finite.ts';
import { pickRows } from '../../data/prepared/pick.ts';
import type { Session, SessionOptions } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import type { Artifact } from '../../store/artifact/open.ts';
import { type ServingGraph, servingGraph } from '../graphs/serving.ts';
import type { TrainedModel } from '../model/trained.ts';
import { feedsOf, openGraph, type Rows, type RowsData } from './rows-session.ts';

export interface Served {
  /** [size, T] */
  logits: Float32Array;
  /** [size, T] */
  probabilities: Float32Array;
}

export interface Server {
  /** Throws MODEL_NOT_FINITE where an answer is not a finite number. */
  score(rows: Rows): Promise<Served>;
  close(): Promise<void>;
}

/** Graphs of a model, the joint one first, with tables from memory. */
export async function serveModel(
  served: TrainedModel,
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
    const externalFiles = tables.map((name) => fileOf.get(name) as string);
    sessions.set(scenario, await createSession(path(file), { ...options, externalFiles }));
  }
  return serverOf(sessions, manifest.data);
}

type Data = RowsData & Pick<TrainedModel['data'], 'tasks'>;

/** Of each row the graph of its scenario, where there is one, else the joint one, which has no scenario. */
function serverOf(sessions: ReadonlyMap<number | undefined, Session>, data: Data): Server {
  const joint = sessions.get(undefined) as Session;
  return {
    async score(rows) {
      if (sessions.size === 1) return run(joint, rows, data);
      const result = emptyResult(rows.size, data.tasks.length);
      for (const [session, places] of bySession(rows, (scenario) => sessions.get(scenario) ?? joint)) {
        const { logits, probabilities } = await run(session, pickRows(rows, places), data);
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

async function run(session: Session, rows: Rows, data: Data): Promise<Served> {
  const { size } = rows;
  const { tasks } = data;
  const found = await session.run(feedsOf(data, rows, session.inputs));
  const result: Served = { ...emptyResult(size, tasks.length), logits: found.logits.data as Float32Array };
  tasks.forEach((task, t) => {
    const own = found[`probability_${task}`].data; // [size]
    for (let row = 0; row < size; row++) result.probabilities[row * tasks.length + t] = own[row];
  });
  checkAnswer(result.logits);
  checkAnswer(result.probabilities);
  return result;
}

/** Throws MODEL_NOT_FINITE where one of the numbers is not finite. */
export function checkAnswer(numbers: Float32Array): void {
  if (firstNotFinite(numbers) >= 0) throw error('MODEL_NOT_FINITE', { what: "the model's answer to a row" });
}

/** The places of the rows that each session scores. */
function bySession({ size, scenario }: Rows, sessionOf: (scenario: number) => Session): Map<Session, number[]> {
  const places = new Map<Session, number[]>();
  for (let row = 0; row < size; row++) {
    const session = sessionOf(scenario[row]);
    const own = places.get(session);
    if (own === undefined) places.set(session, [row]);
    else own.push(row);
  }
  return places;
}

function spread(from: Float32Array, places: readonly number[], into: Float32Array): void {
  const width = from.length / places.length;
  places.forEach((place, i) => {
    into.set(from.subarray(i * width, (i + 1) * width), place * width);
  });
}
