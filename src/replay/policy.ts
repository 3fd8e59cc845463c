/** The policy that is judged: an artifact asked again for what was logged. */
import type { Impression } from '../events/event.ts';
import type { RankRequest } from '../serve/ranker/contract.ts';
import { loadRanker } from '../serve/ranker/ranker.ts';

export interface JudgedPolicy {
  /** `name@id`. */
  label: string;
  scenarios: readonly string[];
  /** In the order of `probabilities`. */
  tasks: readonly string[];
  /** Fields that it reads, without those that follow from the scenario. */
  fields: readonly string[];
  /** Of all items that were logged, in their order. */
  score(impression: Impression): Promise<ScoredItem[]>;
  close(): Promise<void>;
}

export interface ScoredItem {
  score: number;
  /** By task, calibrated. */
  probabilities: Record<string, number>;
}

/**
 * @param config a serving configuration, for its score expressions
 * @throws what loadRanker throws
 */
export async function openPolicy(artifact: string, config?: string): Promise<JudgedPolicy> {
  const ranker = await loadRanker(artifact, { config });
  const { data } = ranker.manifest;
  const known = new Set(data.fields.map(({ name }) => name));
  const fromScenario = new Set(data.scenarioFields?.names);
  return {
    label: ranker.label,
    scenarios: data.scenarios,
    tasks: data.tasks,
    fields: [...known].filter((name) => !fromScenario.has(name)),
    score: async (impression) => (await ranker.score(requestOf(impression, known, data.sequences !== undefined))).items,
    close: () => ranker.close(),
  };
}

/** The request as it was, with the values that the artifact reads. The id of an item is never the value of a field called so. */
export function requestOf(impression: Impression, known: ReadonlySet<string>, hasSequences: boolean): RankRequest {
  const { scenario, values = {}, sequences, items } = impression;
  const read = (all: object) => Object.fromEntries(Object.entries(all).filter(([name]) => known.has(name)));
  const hasId = known.has('id');
  return {
    scenario,
    ...(hasSequences && sequences !== undefined && { user: { sequences } }),
    context: { ...(hasId && { id: null }), ...read(values) },
    items: items.map(({ item_id, values: own = {} }) => {
      const { id, ...others } = read(own);
      return { ...others, ...(id !== undefined && { fields: { id } }), id: item_id };
    }),
  };
}
