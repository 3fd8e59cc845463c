/** Metrics of one artifact: values out of vocabulary, scores, and the drift of each field. */

import { OUT_OF_VOCABULARY_ID, PADDING_ID, slotsOf } from '../../data/encode/ids.ts';
import type { Artifact } from '../../store/artifact/open.ts';
import type { EncodedRequest } from '../ranker/rows.ts';
import { type Family, family, Histogram, type Series } from './metrics.ts';

const SCORE_EDGES = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 5, 10,
];

/** Values of a field after which older ones count half, so that the index describes the recent past. */
const HALVE_AT = 200_000;

export interface ModelMetrics {
  /** Counts a request. A value that all items share counts once, values of items once for each item. */
  addRequest(scenario: number, encoded: EncodedRequest): void;
  addScore(scenario: number, score: number): void;
  families(model: string): Family[];
}

export function createModelMetrics({ manifest, statistics }: Artifact): ModelMetrics {
  const { fields, scenarios, tableRows } = manifest.data;
  const slots = slotsOf(fields);
  const perScenario = scenarios.map(() => ({ values: 0, outOfVocabulary: 0, scores: new Histogram(SCORE_EDGES) }));
  const counts = new Uint32Array(tableRows);
  const totals = fields.map(() => 0);

  const halve = (index: number): void => {
    const { offset, size } = fields[index];
    for (let id = offset; id < offset + size; id++) counts[id] >>>= 1;
    totals[index] >>>= 1;
  };

  return {
    addRequest(scenario, { size, ids, ofItems }) {
      const cell = perScenario[scenario];
      let slot = 0;
      fields.forEach((field, index) => {
        const rows = ofItems[index] ? size : 1;
        for (let row = 0; row < rows; row++)
          for (let s = slot; s < slot + field.slots; s++) {
            const id = ids[row * slots + s];
            if (id === field.offset + PADDING_ID) continue;
            counts[id]++;
            totals[index]++;
            cell.values++;
            if (id === field.offset + OUT_OF_VOCABULARY_ID) cell.outOfVocabulary++;
          }
        slot += field.slots;
        if (totals[index] > HALVE_AT) halve(index);
      });
    },
    addScore: (scenario, score) => perScenario[scenario].scores.add(score),
    families(model) {
      const ofScenarios = (values: (s: (typeof perScenario)[number]) => number[]): Series[] =>
        perScenario.map((cell, i) => ({ labels: { model, scenario: scenarios[i] }, values: values(cell) }));
      return [
        family(
          'tributary_values_total',
          'Values of fields in requests, missing ones included.',
          'counter',
          ofScenarios((s) => [s.values]),
        ),
        family(
          'tributary_out_of_vocabulary_total',
          'Those of them that are out of vocabulary, missing ones included.',
          'counter',
          ofScenarios((s) => [s.outOfVocabulary]),
        ),
        family(
          'tributary_score',
          'Scores of items.',
          'histogram',
          ofScenarios((s) => [...s.scores.values]),
          SCORE_EDGES,
        ),
        family('tributary_field_psi', DRIFT_HELP, 'drift', driftSeries(model)),
      ];
    },
  };

  /** Counts of the tokens in the statistics, of values out of vocabulary, and of all others. */
  function driftSeries(model: string): Series[] {
    return fields.flatMap(({ name, offset }, index) => {
      const known = statistics.fields.find((field) => field.name === name);
      if (known === undefined) return [];
      const named = known.ids.map((id) => counts[offset + id]);
      const unknown = counts[offset + OUT_OF_VOCABULARY_ID];
      const rest = totals[index] - unknown - named.reduce((sum, count) => sum + count, 0);
      return [
        {
          labels: { model, field: name },
          // Halving rounds each count down, so the rest may fall below 0 by a few.
          values: [...named, unknown, Math.max(rest, 0)],
          expected: [...known.shares, known.outOfVocabulary, known.rest],
        },
      ];
    });
  }
}

const DRIFT_HELP =
  'Population stability index of recent values against the training rows: below 0.1 alike, above 0.25 another population.';
