/** Is what a service is asked like what its model was trained on? Counts a log by the vocabularies of an artifact. */
import { TributaryError } from '../base/errors/index.ts';
import { sum } from '../base/numbers.ts';
import { OUT_OF_VOCABULARY_ID, PADDING_ID } from '../data/encode/ids.ts';
import type { DriftDocument, DriftSequence } from '../documents/loop/drift.ts';
import { stabilityIndex } from '../evaluate/stability.ts';
import type { Impression, LogEvent } from '../events/event.ts';
import { createIdSet } from '../events/ids.ts';
import type { EventLog } from '../events/log.ts';
import type { Rows } from '../serve/ranker/contract.ts';
import { createRequestEncoder, type RequestEncoder } from '../serve/ranker/rows.ts';
import { type Artifact, openArtifact } from '../store/artifact/open.ts';
import { eachEvent } from './log.ts';
import { requestOf } from './policy.ts';

export interface DriftOptions {
  /** Count answers of these times alone, milliseconds since 1970: from the first, up to the second. */
  from?: number;
  to?: number;
}

/**
 * Reads the log once, in memory that does not grow with it but for the ids of its answers. Each item that was shown counts as a row, as
 * rows of training do.
 *
 * @throws EVENT_LOG_EMPTY; what openArtifact and readEvents throw
 */
export async function logDrift(log: EventLog, folder: string, options: DriftOptions = {}): Promise<DriftDocument> {
  const started = performance.now();
  const artifact = await openArtifact(folder);
  const { manifest, statistics } = artifact;
  const live = countLive(artifact);
  const damaged = await eachEvent(log, (event) => live.add(event, options));
  const { answers, rows, first, last, left } = live.totals;
  const time = (at: number): string | null => (answers === 0 ? null : new Date(at).toISOString());
  const cells = live.cells();
  return {
    schema: 'drift/1',
    log: log.name,
    artifact: { name: manifest.name, id: manifest.id },
    first: time(first),
    last: time(last),
    answers,
    rows,
    trainingRows: statistics.rows,
    left: { ...left, damaged },
    fields: live.fields().toSorted((a, b) => b.psi - a.psi),
    scenarios: live.scenarios(),
    ...(manifest.data.sequences && { sequences: live.sequences() }),
    cells,
    notes: notesOf(artifact, cells.length > 0),
    seconds: (performance.now() - started) / 1000,
  };
}

function notesOf({ manifest, statistics }: Artifact, hasScores: boolean): string[] {
  const label = `${manifest.name}@${manifest.id}`;
  const uncounted = manifest.data.fields.filter(({ name }) => !statistics.fields.some((field) => field.name === name));
  return [
    ...(hasScores ? [] : [`${label} answered nothing in this log: its probabilities cannot be compared.`]),
    ...(manifest.data.sequences === undefined
      ? []
      : ['Sequences are counted, not compared: artifacts keep no statistics of them.']),
    ...(uncounted.length === 0 ? [] : [`No statistics of ${uncounted.map(({ name }) => name).join(', ')}.`]),
  ];
}

interface Totals {
  answers: number;
  rows: number;
  first: number;
  last: number;
  left: Omit<DriftDocument['left'], 'damaged'>;
}

function countLive(artifact: Artifact) {
  const { manifest, statistics } = artifact;
  const { data } = manifest;
  const encoder = createRequestEncoder(artifact.encoder, data);
  const known = new Set(data.fields.map(({ name }) => name));
  const ids = new Float64Array(data.fields.reduce((end, { offset, size }) => Math.max(end, offset + size), 0));
  const ofScenarios = data.scenarios.map(() => 0);
  const scores = new LiveScores(artifact);
  const sequences = countSequences(data);
  const seen = createIdSet();
  const totals: Totals = {
    answers: 0,
    rows: 0,
    first: Number.POSITIVE_INFINITY,
    last: Number.NEGATIVE_INFINITY,
    left: { withoutValues: 0, otherScenarios: 0, misfits: 0, duplicates: 0 },
  };

  function count(impression: Impression): keyof Totals['left'] | undefined {
    const scenario = data.scenarios.indexOf(impression.scenario);
    if (scenario < 0) return 'otherScenarios';
    const shown = { ...impression, items: impression.items.filter(({ position }) => position !== null) };
    if (shown.values === undefined && shown.items.every(({ values }) => values === undefined)) return 'withoutValues';
    const encoded = encode(encoder, shown, known, data.sequences !== undefined);
    if (encoded === undefined) return 'misfits';
    for (const id of encoded.ids) ids[id]++;
    sequences.add(encoded);
    ofScenarios[scenario] += shown.items.length;
    totals.rows += shown.items.length;
    scores.add(scenario, shown);
    return undefined;
  }

  return {
    totals,
    add(event: LogEvent, { from = 0, to = Number.POSITIVE_INFINITY }: DriftOptions): void {
      if (event.kind !== 'impression' || event.time < from || event.time >= to) return;
      const problem = seen.add(event.event_id) ? count(event) : 'duplicates';
      if (problem !== undefined) {
        totals.left[problem]++;
        return;
      }
      totals.answers++;
      totals.first = Math.min(totals.first, event.time);
      totals.last = Math.max(totals.last, event.time);
    },
    fields: (): DriftDocument['fields'] =>
      data.fields.flatMap(({ name, offset, size }) => {
        const trained = statistics.fields.find((field) => field.name === name);
        if (trained === undefined) return [];
        const counts = ids.subarray(offset, offset + size);
        const values = sum(counts.subarray(PADDING_ID + 1));
        const named = trained.ids.map((id) => counts[id]);
        const unknown = counts[OUT_OF_VOCABULARY_ID];
        const parts = [...named, unknown, values - unknown - sum(named)];
        const expected = [...trained.shares, trained.outOfVocabulary, trained.rest];
        return [
          {
            field: name,
            psi: stabilityIndex(parts, expected),
            byChance: indexByChance(expected, values, trained.values),
            values,
            outOfVocabulary: { training: trained.outOfVocabulary, live: values === 0 ? 0 : unknown / values },
          },
        ];
      }),
    scenarios: (): DriftDocument['scenarios'] =>
      statistics.scenarios.map(({ name, rows }, s) => ({
        scenario: name,
        training: statistics.rows === 0 ? 0 : rows / statistics.rows,
        live: totals.rows === 0 ? 0 : ofScenarios[s] / totals.rows,
      })),
    sequences: sequences.counts,
    cells: () => scores.cells(),
  };
}

/** Rows of all shown items; undefined where values do not fit the fields. */
function encode(
  encoder: RequestEncoder,
  shown: Impression,
  known: ReadonlySet<string>,
  hasSequences: boolean,
): Rows | undefined {
  try {
    return encoder.encode(requestOf(shown, known, hasSequences));
  } catch (cause) {
    if (cause instanceof TributaryError) return undefined;
    throw cause;
  }
}

/** Counts sequences of answers, whose items all have the same ones. */
function countSequences({ sequences, fields }: Artifact['manifest']['data']) {
  const { types, length, itemField } = sequences ?? { types: [], length: 0, itemField: '' };
  const offset = fields.find(({ name }) => name === itemField)?.offset ?? 0;
  const counts = types.map(
    (type): DriftSequence => ({ type, given: 0, items: 0, length, full: 0, outOfVocabulary: 0 }),
  );
  return {
    counts: () => counts,
    add({ sequences: ids = new Int32Array() }: Rows): void {
      counts.forEach((count, k) => {
        const found = ids.subarray(k * length, (k + 1) * length).filter((id) => id !== offset + PADDING_ID);
        count.given += found.length > 0 ? 1 : 0;
        count.items += found.length;
        count.full += found.length === length ? 1 : 0;
        count.outOfVocabulary += found.filter((id) => id === offset + OUT_OF_VOCABULARY_ID).length;
      });
    },
  };
}

/** Probabilities that the artifact itself answered, in the buckets of its statistics. */
class LiveScores {
  readonly #label: string;
  readonly #cells: (Artifact['statistics']['cells'][number] & { counts: number[]; total: number })[];
  readonly #tasks: number;

  constructor({ manifest, statistics }: Artifact) {
    this.#label = `${manifest.name}@${manifest.id}`;
    this.#cells = statistics.cells.map((cell) => ({ ...cell, counts: cell.shares.map(() => 0), total: 0 }));
    this.#tasks = manifest.data.tasks.length;
  }

  add(scenario: number, { model, items }: Impression): void {
    if (model !== this.#label) return;
    for (let c = scenario * this.#tasks; c < (scenario + 1) * this.#tasks; c++) {
      const cell = this.#cells[c];
      if (cell === undefined || cell.counts.length === 0) continue; // no validation row of the scenario
      for (const { probabilities } of items) {
        const found = probabilities[cell.task];
        if (found === undefined) continue;
        cell.counts[cell.edges.filter((edge) => edge <= found).length]++;
        cell.total += found;
      }
    }
  }

  cells(): DriftDocument['cells'] {
    if (this.#cells.every(({ counts }) => sum(counts) === 0)) return [];
    return this.#cells.map(({ scenario, task, edges, shares, mean, counts, total, rows: trained }) => {
      const rows = sum(counts);
      return {
        scenario,
        task,
        rows,
        edges,
        training: shares,
        live: counts.map((n) => (rows === 0 ? 0 : n / rows)),
        psi: stabilityIndex(counts, shares),
        byChance: indexByChance(shares, rows, trained),
        mean: { training: mean, live: rows === 0 ? null : total / rows },
      };
    });
  }
}

/**
 * Expected index of two samples of one population: (k - 1) (1/n + 1/m) for k parts that both have (the index is about a chi-square number
 * over n and m; B. Yurdakul, J. Naranjo: Statistical properties of the population stability index, Journal of Risk Model Validation, 2020).
 */
const indexByChance = (expected: readonly number[], live: number, training: number): number =>
  live === 0 || training === 0 ? 0 : (expected.filter((share) => share > 0).length - 1) * (1 / live + 1 / training);
