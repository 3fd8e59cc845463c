/**
 * Experiments compiled for requests: which of them a request can take part in is looked up by its model and scenario, so that those
 * of other requests cost nothing. Assignment is a hash of the unit: all processes give the same answer.
 */
import { error } from '../../base/errors/index.ts';
import type { ExperimentConfig } from '../../config/experiments.ts';
import { armRanges, assign as assignIn, bucketOf, inRange } from '../../evaluate/experiment/index.ts';
import type { RankRequest, Values } from '../ranker/contract.ts';
import { assignmentOf, weightsOf } from './versions.ts';

export interface PlanArm {
  name: string;
  /** Absent: the model that answers without the experiment. */
  model?: string;
  /** Absent: the model's own score. */
  score?: string;
}

export interface PlanExperiment {
  key: string;
  mode: ExperimentConfig['mode'];
  unit: string;
  bucketVersion: number;
  /** The first one is the control. */
  arms: readonly PlanArm[];
  /** The arm of a unit; undefined where it takes no part. In modes other than `split` all units have the control's. The namespace is not looked at. */
  assign(unit: string): { arm: PlanArm; bucket: number } | undefined;
}

/** A request's part in an experiment. */
export interface Part {
  experiment: PlanExperiment;
  arm: PlanArm;
  bucket: number;
}

export interface Plan {
  /** What a request takes part in; undefined for nothing. The request need not have been checked. */
  partsOf(request: RankRequest): Part[] | undefined;
  /** The part of a unit in an experiment, by the same rules. */
  partOf(key: string, unit: string, scenario: string | undefined): Part | undefined;
  /** By key. */
  experiments: ReadonlyMap<string, PlanExperiment>;
}

/** Experiments that divide the units of a namespace, by their ranges from the lowest on; without a namespace: one experiment. */
interface Group {
  unit: string;
  namespace?: string;
  entries: { from: number; to: number; experiment: PlanExperiment }[];
}

/** Longer values are no units: each character is hashed. */
const MOST_UNIT = 1024;

/**
 * @param versions the earlier versions of the experiments
 * @param firstModel name of the model that answers requests which name none
 * @throws EXPERIMENTS_OVERLAP
 */
export function compilePlan(
  experiments: readonly ExperimentConfig[],
  versions: readonly ExperimentConfig[],
  firstModel: string,
): Plan {
  checkOverlaps(experiments, firstModel);
  const compiled = new Map(experiments.map((experiment) => [experiment.key, compiledOf(experiment, versions)]));
  const configs = new Map(experiments.map((experiment) => [experiment.key, experiment]));
  const byModel = new Map<string, ReturnType<typeof byScenario>>();
  for (const name of new Set(experiments.map((experiment) => modelNameOf(experiment, firstModel))))
    byModel.set(
      name,
      byScenario(
        experiments.filter((experiment) => modelNameOf(experiment, firstModel) === name),
        compiled,
      ),
    );
  return {
    experiments: compiled,
    partsOf(request) {
      if (typeof request !== 'object' || request === null) return undefined;
      // A request that names one artifact is answered by that one: its name with the id is in no map.
      const groups = byModel.get(request.model ?? firstModel)?.(request.scenario);
      if (groups === undefined) return undefined;
      let parts: Part[] | undefined;
      for (const group of groups) {
        const part = partIn(group, request);
        if (part !== undefined) parts = parts === undefined ? [part] : [...parts, part];
      }
      return parts;
    },
    partOf(key, unit, scenario) {
      const [experiment, config] = [compiled.get(key), configs.get(key)];
      if (experiment === undefined || config === undefined || !isUnit(unit)) return undefined;
      const { scenarios, namespace } = config;
      if (scenario !== undefined && scenarios !== undefined && !scenarios.includes(scenario)) return undefined;
      if (namespace !== undefined && !inRange(spaceOf(namespace.name, unit), namespace.range)) return undefined;
      const assigned = experiment.assign(unit);
      return assigned && { experiment, ...assigned };
    },
  };
}

/** Name of the model whose requests take part. */
export const modelNameOf = ({ arms }: ExperimentConfig, firstModel: string): string =>
  Object.values(arms)[0].model?.split('@')[0] ?? firstModel;

function compiledOf(experiment: ExperimentConfig, versions: readonly ExperimentConfig[]): PlanExperiment {
  const { key, mode, unit, bucketVersion, minBucketVersion, hashVersion, coverage } = experiment;
  const seed = experiment.seed ?? key;
  const arms = Object.entries(experiment.arms).map(([name, arm]) => ({ name, ...arm }));
  const ranges = armRanges(weightsOf(experiment), coverage);
  const before = versions
    .filter((version) => version.key === key && version.bucketVersion < minBucketVersion)
    .map(assignmentOf);
  return {
    key,
    mode,
    unit,
    bucketVersion,
    arms,
    assign(value) {
      const bucket = bucketOf(seed, value, hashVersion) as number;
      const arm = ranges.findIndex((range) => inRange(bucket, range));
      if (arm < 0 || before.some((version) => assignIn(version, value) !== undefined)) return undefined;
      return { arm: arms[arm], bucket };
    },
  };
}

/** The groups of each scenario, of those that no experiment names as well. */
function byScenario(
  experiments: readonly ExperimentConfig[],
  compiled: ReadonlyMap<string, PlanExperiment>,
): (scenario: string) => readonly Group[] {
  const groupsOf = (scenario: string | undefined): Group[] =>
    groupsFor(
      experiments.filter(({ scenarios }) => scenarios === undefined || scenarios.includes(scenario as string)),
      compiled,
    );
  const named = new Set(experiments.flatMap(({ scenarios = [] }) => scenarios));
  const own = new Map([...named].map((scenario) => [scenario, groupsOf(scenario)]));
  const others = groupsOf(undefined);
  return (scenario) => own.get(scenario) ?? others;
}

function groupsFor(experiments: readonly ExperimentConfig[], compiled: ReadonlyMap<string, PlanExperiment>): Group[] {
  const groups: Group[] = [];
  const spaces = new Map<string, Group>();
  for (const { key, unit, namespace } of experiments) {
    const [from, to] = namespace?.range ?? [0, 1];
    const entry = { from, to, experiment: compiled.get(key) as PlanExperiment };
    const known = namespace && spaces.get(namespace.name);
    if (known !== undefined) known.entries.push(entry);
    else {
      const group: Group = { unit, namespace: namespace?.name, entries: [entry] };
      groups.push(group);
      if (namespace !== undefined) spaces.set(namespace.name, group);
    }
  }
  for (const { entries } of groups) entries.sort((a, b) => a.from - b.from);
  return groups;
}

function partIn({ unit, namespace, entries }: Group, request: RankRequest): Part | undefined {
  const value = unitOf(request, unit);
  if (value === undefined) return undefined;
  const experiment = namespace === undefined ? entries[0].experiment : entryAt(entries, spaceOf(namespace, value));
  // Explanations are of one model, for people who look at it.
  if (experiment === undefined || (experiment.mode === 'interleave' && request.explain === true)) return undefined;
  const assigned = experiment.assign(value);
  return assigned && { experiment, ...assigned };
}

/** A unit's place in a namespace. */
const spaceOf = (name: string, unit: string): number => bucketOf(`__${name}`, unit, 1) as number;

/** Ranges are apart and in order. */
function entryAt(entries: Group['entries'], place: number): PlanExperiment | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle].from <= place) low = middle + 1;
    else high = middle;
  }
  const found = entries[low - 1];
  return found !== undefined && place < found.to ? found.experiment : undefined;
}

/** As a log has it: what the context says goes before what the user says. Undefined for what is no text or number. */
function unitOf({ context, user }: RankRequest, name: string): string | undefined {
  const value = has(context, name) ? context[name] : has(user, name) ? user[name] : undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  return typeof value === 'string' && isUnit(value) ? value : undefined;
}

const has = (values: unknown, name: string): values is Values =>
  typeof values === 'object' && values !== null && Object.hasOwn(values, name);

const isUnit = (text: string): boolean => text !== '' && text.length <= MOST_UNIT;

/** What an experiment decides of an answer. Both modes of several rankings need the whole of it. */
const changes = ({ mode, arms }: ExperimentConfig, what: 'model' | 'score'): boolean =>
  mode !== 'split' || Object.values(arms).some((arm) => arm[what] !== undefined);

/** A unit in two experiments that decide the same would have the effect of one of them alone, and count for both. */
function checkOverlaps(experiments: readonly ExperimentConfig[], firstModel: string): void {
  for (const [i, a] of experiments.entries())
    for (const b of experiments.slice(i + 1)) {
      if (a.namespace !== undefined && a.namespace.name === b.namespace?.name) continue;
      if (modelNameOf(a, firstModel) !== modelNameOf(b, firstModel)) continue;
      const scenario = a.scenarios?.find((name) => b.scenarios?.includes(name) ?? true) ?? b.scenarios?.[0];
      if (a.scenarios !== undefined && b.scenarios !== undefined && !a.scenarios.some((s) => b.scenarios?.includes(s)))
        continue;
      const what = (['model', 'score'] as const).find((each) => changes(a, each) && changes(b, each));
      if (what !== undefined) throw error('EXPERIMENTS_OVERLAP', { keys: [a.key, b.key], what, scenario });
    }
}
