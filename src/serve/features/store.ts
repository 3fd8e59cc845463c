/**
 * The tables of a service: has them built, keeps their files, and removes those that were replaced. Models that are prepared alike
 * share tables.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, sha256 } from '../../base/hash.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { FeatureModel, TableSet } from '../../features/contract.ts';
import { build } from '../../features/host.ts';
import { makePrivateFolder } from '../../store/artifact/private-folder.ts';
import { type Family, family } from '../metrics/metrics.ts';
import { featureModelOf } from './model.ts';

/** The tables of a model that is served. */
export interface ServedTables {
  /** What it is called, and the private copy of its artifact. */
  name: string;
  folder: string;
  set: TableSet;
}

type Served = Omit<ServedTables, 'set'>;

/** Tables that were read anew. One of the two must be called. */
export interface Refresh {
  tables: ServedTables[];
  /** They are in use. */
  commit(): void;
  /** They are not: removes them. */
  abort(): void;
}

export interface FeatureStore {
  /** Tables for a model: those that a model prepared alike has, else new ones. Throws what build and featureModelOf throw. */
  tablesFor(served: Served): Promise<TableSet>;
  /** Reads the tables of all models; undefined where nothing has changed. Throws what build throws. */
  refresh(served: readonly Served[]): Promise<Refresh | undefined>;
  addOutcome(outcome: Outcome): void;
  families(): Family[];
  /** Removes all files. */
  close(): void;
}

type Outcome = 'refreshed' | 'unchanged' | 'failed';

/** A worker that starts may still read files that were replaced. */
const KEPT_MS = 30_000;

/**
 * Undefined where no tables are configured.
 *
 * @throws CACHE_UNWRITABLE
 */
export async function createFeatureStore(config: ServingConfig): Promise<FeatureStore | undefined> {
  const { features, cacheFolder, loadSeconds } = config;
  if (features === undefined) return undefined;
  const { maxBytes, ownProcess } = features;
  const own = await makePrivateFolder(cacheFolder);
  const folder = join(own.path, 'tables');
  mkdirSync(folder);
  const closing = new AbortController();
  const outcomes = new Map<Outcome, number>();
  /** By what they are built from. */
  let known = new Map<string, TableSet>();
  let replaced: { set: TableSet; since: number }[] = [];

  const buildAll = (models: FeatureModel[]) =>
    build({ models, folder, maxBytes }, { ownProcess, seconds: loadSeconds, signal: closing.signal });
  const modelOf = (served: Served): FeatureModel => featureModelOf(served.folder, served.name, features);

  return {
    async tablesFor(served) {
      const model = modelOf(served);
      const key = keyOf(model);
      const set = known.get(key) ?? (await buildAll([model]))?.sets[0];
      if (set === undefined) throw new Error('nothing was built');
      known.set(key, set);
      return set;
    },
    async refresh(served) {
      const keys = served.map((each) => keyOf(modelOf(each)));
      const models = new Map(
        served.map((each, i) => [keys[i], { ...modelOf(each), before: known.get(keys[i])?.read }] as const),
      );
      const built = await buildAll([...models.values()]);
      if (built === undefined) return undefined;
      const next = new Map([...models.keys()].map((key, i) => [key, built.sets[i]] as const));
      return {
        tables: served.map((each, i) => ({ ...each, set: next.get(keys[i]) as TableSet })),
        commit() {
          const now = Date.now();
          for (const { set } of replaced.filter(({ since }) => now - since > KEPT_MS)) removeFiles(set);
          replaced = [
            ...replaced.filter(({ since }) => now - since <= KEPT_MS),
            ...[...known.values()].map((set) => ({ set, since: now })),
          ];
          known = next;
        },
        abort: () => built.sets.forEach(removeFiles),
      };
    },
    addOutcome: (outcome) => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1),
    families: () => [
      family(
        'tributary_feature_refreshes_total',
        'Readings of the tables of features while serving, by outcome.',
        'counter',
        [...outcomes].map(([outcome, count]) => ({ labels: { outcome }, values: [count] })),
      ),
    ],
    close() {
      closing.abort();
      own.remove();
    },
  };
}

/** Equal for models whose tables are equal. */
const keyOf = ({ label: _, before: __, ...model }: FeatureModel): string => sha256(canonicalJson(model));

function removeFiles({ tables }: TableSet): void {
  for (const { file } of tables) rmSync(file, { force: true });
}
