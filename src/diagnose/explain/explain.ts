/**
 * Why an artifact answers one request as it does: the parts of each score, and what each field brings to an item. A field "alone" is
 * occluded (`serve/ranker/explain.ts`); shares are Shapley values of the game in which fields that are absent are unknown
 * (`evaluate/shapley.ts`; Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions", 2017). Everything is computed by the
 * graph and the calibration that serve.
 */
import { error } from '../../base/errors/index.ts';
import { nearest } from '../../base/nearest.ts';
import type { ExplainedCandidate, ExplainedItem, ExplanationDocument } from '../../documents/diagnose/explanation.ts';
import { coalitionsOf } from '../../evaluate/shapley.ts';
import type { Impression } from '../../events/event.ts';
import { requestOf } from '../../replay/policy.ts';
import type { OpenedRequest, Ranker } from '../../serve/ranker/ranker-contract.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { EXPLAIN } from './defaults.ts';
import { fieldsOf, type Game, gameOf, leadOf, unknownRow } from './game.ts';
import { isUnknown, valuesOf } from './values.ts';

export interface ExplainOptions {
  /** Items whose fields are explained, from the first position on. Default 10. */
  top?: number;
  /** Ids of further items to explain. */
  items?: readonly string[];
  /** Pairs of orders to draw where fields are many. Default 32. */
  pairs?: number;
  /** Of the orders. Default 1. */
  seed?: number;
}

/** Items that are listed with their probabilities; all others have lower scores. */
const LISTED = 1000;

/**
 * Explains a request as it would be sent.
 *
 * @param request the parsed body; whatever it is, it is checked
 * @param from the file that it comes from
 * @throws EXPLAIN_ITEM, and what `Ranker.opened` throws of the request
 */
export function explainRequest(
  ranker: Ranker,
  request: unknown,
  from: string,
  options: ExplainOptions = {},
): Promise<ExplanationDocument> {
  return explain(ranker, request, { source: 'request', from, id: null }, options);
}

/** The same of a request that a log has. */
export async function explainRecorded(
  ranker: Ranker,
  impression: Impression,
  log: string,
  options: ExplainOptions = {},
): Promise<ExplanationDocument> {
  const { data } = ranker.manifest;
  const known = new Set(data.fields.map(({ name }) => name));
  const request = requestOf(impression, known, data.sequences !== undefined);
  const document = await explain(ranker, request, { source: 'log', from: log, id: impression.request_id }, options);
  const { items } = impression;
  const isSame = impression.model === ranker.label;
  const distances = document.items.flatMap(({ given, tasks }) =>
    tasks.map(({ probability }, t) =>
      Math.abs(probability - (items[given - 1].probabilities[document.tasks[t]] ?? Number.NaN)),
    ),
  );
  return {
    ...document,
    items: document.items.map((one) => {
      const { position, score } = items[one.given - 1];
      return { ...one, recorded: { position, score } };
    }),
    recorded: {
      time: new Date(impression.time).toISOString(),
      model: impression.model,
      largest: isSame ? Math.max(...distances) : null,
    },
    notes: [...document.notes, ...recordedNotes(impression, ranker)],
  };
}

function recordedNotes({ candidates, items, model }: Impression, ranker: Ranker): string[] {
  return [
    ...(items.length < candidates
      ? [
          `${candidates - items.length} of ${candidates} candidates are not in the log (events.unshown), and take no part.`,
        ]
      : []),
    ...(model === ranker.label
      ? []
      : [`${model} had answered this request: positions and scores of the log are its own.`]),
  ];
}

async function explain(
  ranker: Ranker,
  input: unknown,
  request: ExplanationDocument['request'],
  options: ExplainOptions,
): Promise<ExplanationDocument> {
  const started = performance.now();
  const { data, calibration, verdict } = ranker.manifest;
  const opened = await ranker.opened(input);
  const { scenario } = opened.request;
  const { pairs = EXPLAIN.pairs, seed = EXPLAIN.seed } = options;
  const coalitions = coalitionsOf(opened.encoder.parts.length, { pairs, seed });
  const positions = positionsToExplain(opened, options);
  const games: Game[] = [];
  for (const position of positions) games.push(await gameOf(opened, opened.order[position], coalitions));
  const flows = await opened.flows(games.map(({ row }) => row));
  const values = valuesOf(opened, data);
  return {
    schema: 'explanation/1',
    model: ranker.label,
    request: { ...request, id: request.id ?? opened.request.request_id ?? null },
    scenario,
    tasks: data.tasks,
    score: opened.scoring.expression,
    calibration: calibration[data.scenarios.indexOf(scenario)],
    candidates: opened.scored.length,
    items: opened.order.slice(0, LISTED).map((row, i) => candidateOf(opened, data.tasks, row, i + 1)),
    explained: games.map(
      (game, i): ExplainedItem => ({
        position: positions[i] + 1,
        item: String(opened.scored[game.row].id),
        fields: fieldsOf(game, coalitions)
          .map((shares, part) => ({
            field: opened.encoder.parts[part],
            value: values(game.row, part),
            unknown: isUnknown(opened, game.row, part),
            ...shares,
          }))
          .toSorted((a, b) => Math.abs(b.score?.value ?? 0) - Math.abs(a.score?.value ?? 0)),
        ...(flows && { flows: flows[i] }),
      }),
    ),
    unknown: unknownRow(games[0]),
    lead: leadOf(games, coalitions, opened.encoder.parts),
    shares: { method: coalitions.method, orders: coalitions.orders, seed },
    ...(verdict && {
      verdict: verdict.flows
        .filter((line) => line.scenario === scenario)
        .map(({ task, name, strength, verdict: found }) => ({ task, flow: name, strength, verdict: found })),
    }),
    notes: notesOf(opened, data, values),
    seconds: (performance.now() - started) / 1000,
  };
}

/** Places in `opened.order`: the first ones, the second in any case, then those of further items. */
function positionsToExplain(
  { order, scored }: OpenedRequest,
  { top = EXPLAIN.top, items = [] }: ExplainOptions,
): number[] {
  const ids = order.map((row) => String(scored[row].id));
  const absent = items.filter((id) => !ids.includes(id));
  if (absent.length > 0) throw noSuchItems(absent, ids);
  const first = order.slice(0, Math.max(top, 2)).map((_, i) => i);
  return [...new Set([...first, ...items.map((id) => ids.indexOf(id))])];
}

function noSuchItems(absent: readonly string[], ids: readonly string[]): Error {
  return error('EXPLAIN_ITEM', { found: [...absent], near: nearest(absent[0], ids), candidates: ids.length });
}

/** An item in the list. */
function candidateOf(
  { outputs, scored, scoring }: OpenedRequest,
  names: readonly string[],
  row: number,
  position: number,
): ExplainedCandidate {
  const { id, score, probabilities } = scored[row];
  const all = names.map((task) => probabilities[task]);
  const tasks = names.map((_, t) => ({
    logit: outputs.logits[row * names.length + t],
    uncalibrated: outputs.probabilities[t][row],
    probability: all[t],
    part: finiteOrNull(score - scoring.score(all.with(t, 0))),
  }));
  const parts = tasks.map(({ part }) => part ?? Number.NaN);
  const rest = finiteOrNull(parts.reduce((left, part) => left - part, score));
  // Sums of numbers of this size are rounded.
  const isNone = rest !== null && Math.abs(rest) <= 1e-12 * Math.max(Math.abs(score), ...parts.map(Math.abs));
  return { item: String(id), position, given: row + 1, score, tasks, rest: isNone ? 0 : rest };
}

const finiteOrNull = (x: number): number | null => (Number.isFinite(x) ? x : null);

function notesOf(
  { request, encoder, order }: OpenedRequest,
  data: ArtifactManifest['data'],
  values: ReturnType<typeof valuesOf>,
): string[] {
  // The values of rates follow from other fields.
  const lacking = encoder.parts.flatMap((name, part) => {
    if (data.fields[part]?.rates !== undefined) return [];
    const items = order.filter((row) => values(row, part) === null).length;
    if (items === 0) return [];
    return [items === order.length ? name : `${name} (of ${items} of ${order.length} candidates)`];
  });
  return [
    ...(lacking.length === 0 ? [] : [`The request has no value of ${lacking.join(', ')}.`]),
    ...(request.top_k === undefined
      ? []
      : [`The request asks for the first ${request.top_k} items; all are ranked here.`]),
    ...(order.length > LISTED ? [`Of ${order.length} candidates the first ${LISTED} are listed.`] : []),
  ];
}
