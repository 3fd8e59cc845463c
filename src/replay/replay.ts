/** Judges an artifact by the log of a service, before anybody is served by it: diagnostics first, then estimates or a refusal. */
import type { ReplayDocument } from '../documents/loop/replay.ts';
import type { Impression } from '../events/event.ts';
import type { EventLog } from '../events/log.ts';
import { assumptionOf, checkWeights, estimatorsOf, intervalsOf } from './estimates.ts';
import { type List, listOf } from './lists.ts';
import { type ExploredRequest, type LogOfRequests, type RewardRules, readRequests } from './log.ts';
import type { JudgedPolicy, ScoredItem } from './policy.ts';

export interface ReplayOptions extends RewardRules {
  /** Of the judged policy; 0 (default): by falling score. */
  temperature?: number;
  /** Of the bootstrap. Default 1000. */
  resamples?: number;
  /** Of the bootstrap. Default 1. */
  seed?: number;
}

type Refusal = ReplayDocument['refusals'][number];

/** @throws what readRequests and the policy throw */
export async function replayLog(log: EventLog, policy: JudgedPolicy, options: ReplayOptions): Promise<ReplayDocument> {
  const started = performance.now();
  const document = await judge(await readRequests(log, options), policy, options);
  return { schema: 'replay/1', log: log.name, ...document, seconds: (performance.now() - started) / 1000 };
}

async function judge(
  { explored, served, models, counts }: LogOfRequests,
  policy: JudgedPolicy,
  options: ReplayOptions,
): Promise<Omit<ReplayDocument, 'schema' | 'log' | 'seconds'>> {
  const { reward, window, temperature = 0 } = options;
  const complete = explored.filter(({ impression: { items, candidates } }) => items.length === candidates);
  const usable = complete.filter(({ impression: { scenario } }) => policy.scenarios.includes(scenario));
  const fields = usable.length === 0 ? [] : fieldShares(policy.fields, usable);
  const { lists, recomputed } = await ask(policy, usable, temperature, reward);
  const refusals: Refusal[] = [
    ...requestRefusals({
      explored: explored.length,
      served: served.length,
      complete: complete.length,
      usable: usable.length,
    }),
    ...valueRefusals(policy, fields, recomputed),
    ...propensityRefusals(lists),
  ];
  const diagnostics = lists.length === 0 ? [] : checkWeights(lists);
  const sound = diagnostics.filter((check) => check.refusals.length === 0).map(({ weights }) => weights);
  if (refusals.length === 0 && sound.length === 0) refusals.push(...diagnostics.flatMap((check) => check.refusals));
  const estimators = refusals.length > 0 ? [] : estimatorsOf(lists).filter(({ weights }) => sound.includes(weights));
  const found = estimators.length === 0 ? undefined : intervalsOf(lists, estimators, served, options);
  const estimates = estimators.flatMap(({ name }) => {
    const [own, difference] = [found?.estimates[name], found?.differences[name]];
    return own && difference ? [{ name, assumption: assumptionOf(name), ...own, difference }] : [];
  });
  const { impressions, interleaved, open, withoutUnit, duplicates, orphans, damaged } = counts;
  return {
    policy: policy.label,
    temperature,
    reward: { ...reward },
    window: window ?? null,
    requests: {
      impressions,
      explored: explored.length,
      deterministic: served.length,
      interleaved,
      open,
      incomplete: explored.length - complete.length,
      otherScenarios: complete.length - usable.length,
      withoutUnit,
    },
    duplicates,
    orphans,
    damaged,
    models,
    fields,
    recomputed,
    diagnostics,
    refusals,
    estimates,
    served: found?.served ?? null,
    verdict: estimates.length === 0 ? null : verdictOf(estimates[0].difference),
  };
}

const verdictOf = ({ low, high }: { low: number; high: number }): 'better' | 'worse' | 'undecided' =>
  low > 0 ? 'better' : high < 0 ? 'worse' : 'undecided';

/** The artifact's scores of all usable requests. */
async function ask(
  policy: JudgedPolicy,
  usable: readonly ExploredRequest[],
  temperature: number,
  reward: RewardRules['reward'],
): Promise<{ lists: List[]; recomputed: ReplayDocument['recomputed'] }> {
  const worth = ({ probabilities }: ScoredItem): number =>
    Object.entries(reward).reduce((sum, [type, value]) => sum + value * (probabilities[type] ?? 0), 0);
  const lists: List[] = [];
  const recomputed = { requests: 0, largest: 0 };
  for (const request of usable) {
    const scored = await policy.score(request.impression);
    lists.push(listOf(request, scored, temperature, worth));
    if (request.impression.model !== policy.label) continue;
    recomputed.requests++;
    recomputed.largest = Math.max(recomputed.largest, distance(request.impression, scored, policy.tasks));
  }
  return { lists, recomputed };
}

/** The largest difference of a probability from the one in the log. */
const distance = ({ items }: Impression, scored: readonly ScoredItem[], tasks: readonly string[]): number =>
  Math.max(
    ...items.flatMap(({ probabilities }, i) =>
      tasks.map((task) => Math.abs((probabilities[task] ?? Number.NaN) - scored[i].probabilities[task])),
    ),
  );

/** Share of the items for which the log has a value of each field. */
function fieldShares(fields: readonly string[], requests: readonly ExploredRequest[]): ReplayDocument['fields'] {
  const items = requests.reduce((sum, { impression }) => sum + impression.items.length, 0);
  return fields.map((field) => {
    const given = requests.reduce((sum, { impression: { values = {}, items: all } }) => {
      if (Object.hasOwn(values, field)) return sum + all.length;
      return sum + all.filter((item) => Object.hasOwn(item.values ?? {}, field)).length;
    }, 0);
    return { field, given: given / items };
  });
}

/** What at least must be there of what is replayed: requests that are left out are no random ones. */
const MINIMUM = 0.95;

function requestRefusals(counts: { explored: number; served: number; complete: number; usable: number }): Refusal[] {
  const { explored, served, complete, usable } = counts;
  if (explored === 0)
    return [
      served === 0
        ? { code: 'no-rows', reason: 'the log has no answered request that counts' }
        : {
            code: 'deterministic',
            reason: `all ${served} requests were answered by falling score, so nothing is known of other orders: serve a share of them with exploration`,
          },
    ];
  if (complete < MINIMUM * explored)
    return [
      {
        code: 'candidates',
        reason: `of ${complete} of ${explored} explored requests all candidates were logged, at least ${MINIMUM * 100} % are needed: raise events.unshown to the number of candidates`,
      },
    ];
  if (usable < MINIMUM * complete)
    return [
      {
        code: 'scenarios',
        reason: `${usable} of ${complete} explored requests are of scenarios that the artifact knows, at least ${MINIMUM * 100} % are needed`,
      },
    ];
  return [];
}

/** Probabilities are rounded to 32 bits in graphs. */
const SAME = 1e-6;

function valueRefusals(
  { label }: JudgedPolicy,
  fields: ReplayDocument['fields'],
  { requests, largest }: ReplayDocument['recomputed'],
): Refusal[] {
  const absent = fields.filter(({ given }) => given === 0).map(({ field }) => field);
  if (absent.length > 0)
    return [
      {
        code: 'fields',
        reason: `the log has no value of ${absent.join(', ')}, which the artifact reads: serve with events.fields: all (a hashed unit is left out of the values)`,
      },
    ];
  if (requests > 0 && !(largest <= SAME))
    return [
      {
        code: 'recomputed',
        reason: `${label} had answered ${requests} of the requests, and gives other probabilities now (by up to ${largest.toPrecision(2)}): the log lacks values that were used`,
      },
    ];
  return [];
}

/** Propensities follow from the logged scores up to rounding. */
const EXACT = 1e-6;

function propensityRefusals(lists: readonly List[]): Refusal[] {
  const wrong = lists.filter(({ drift }) => !(drift <= EXACT)).length;
  if (wrong === 0) return [];
  return [
    {
      code: 'propensities',
      reason: `the logged chances of ${wrong} of ${lists.length} requests are not those that follow from their logged scores`,
    },
  ];
}
