/** Permutation importance of a run's fields in every cell, on validation rows. */
import { runSchema } from '../../config/run.ts';
import type { ImportanceDocument, ImportanceFeature } from '../../documents/diagnose/importance.ts';
import { type ClusteredMean, effectOf, meanOverCells } from '../../evaluate/clustered.ts';
import { type CellImportance, cellImportance } from '../../evaluate/importance.ts';
import { auc, cellWeights, numberOf } from '../../evaluate/index.ts';
import { type FinishedModel, openModel } from '../../inference/model/finished.ts';
import { describeData, openPart, openRunData } from '../../inference/model/run-data.ts';
import type { RunSource } from '../../inference/model/trained.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { openRun } from '../../store/run/run-folder.ts';
import { evaluationOf } from '../../train/evaluate-split.ts';
import { cellsOf, type DrawnRows, drawRows, logitsOf, type NamedCell } from '../rows.ts';
import { chooseFeatures, type Feature, type WantedFeatures } from './features.ts';
import { shuffledSources, varies, withShuffled } from './shuffle.ts';

/** Defaults of a measurement. */
export const IMPORTANCE = { rows: 50_000, repeats: 5, seed: 1 };

export interface ImportanceOptions extends WantedFeatures, RunSource, Pick<SessionOptions, 'backend'> {
  /** Validation rows to draw. */
  rows?: number;
  /** Shuffles of each feature. */
  repeats?: number;
  seed?: number;
}

/**
 * Measures what a run loses when the values of a field are shuffled within each scenario.
 *
 * @throws IMPORTANCE_FIELDS; errors of openRunData and openModel
 */
export async function measureImportance(run: string, given: ImportanceOptions = {}): Promise<ImportanceDocument> {
  const started = performance.now();
  const { rows: limit, repeats, seed, fields, groups, backend, ...source } = { ...IMPORTANCE, ...given };
  const record = openRun(run);
  const data = await openRunData(run, record, source.data);
  const { manifest } = data;
  const features = chooseFeatures(manifest, { fields, groups });
  const { train } = runSchema.parse(record.config);
  await using reader = await openPart(data, 'validation', train);
  const rows = await drawRows(manifest, reader, { limit, seed });
  await using model = await openModel(run, { backend, data: describeData(manifest), source });

  const base = await logitsOf(model, rows, manifest.tasks.length);
  const cells = cellsOf(rows, manifest);
  const { weights } = cellWeights(
    cells.map(({ rows: labelled, labels }) => ({ rows: labelled.length, positives: count(labels) })),
    evaluationOf(record),
  );
  const sources = Array.from({ length: repeats }, (_, repeat) => shuffledSources(rows, seed, repeat));
  const measured: ImportanceFeature[] = [];
  for (const feature of features) {
    const found = await measure(model, rows, { feature, sources, cells, base });
    measured.push(featureDocument(feature, varies(rows, feature), cells, found, weights));
  }
  return {
    schema: 'importance/1',
    run,
    model: record.model,
    data: manifest.name,
    split: 'validation',
    rows: rows.size,
    of: reader.rows,
    repeats,
    seed,
    groups: { of: manifest.hasGroup ? 'group' : 'row', count: rows.groups },
    cells: cells.map(({ scenario, task, taskIndex, rows: labelled, labels }, c) => ({
      scenario,
      task,
      rows: labelled.length,
      positives: count(labels),
      auc: numberOf(auc(columnOf(base[taskIndex], labelled), labels)),
      counts: weights[c] > 0,
    })),
    features: measured.toSorted((a, b) => (b.aucLoss?.value ?? 0) - (a.aucLoss?.value ?? 0)),
    seconds: (performance.now() - started) / 1000,
  };
}

interface Measurement {
  feature: Feature;
  sources: readonly Int32Array[];
  cells: readonly NamedCell[];
  /** Logits of the rows as they are. */
  base: readonly Float32Array[];
}

type Found = ReturnType<CellImportance['finish']>;

async function measure(
  model: FinishedModel,
  rows: DrawnRows,
  { feature, sources, cells, base }: Measurement,
): Promise<Found[]> {
  const collected = cells.map((cell) => cellImportance(cell, base[cell.taskIndex], rows));
  for (const source of sources) {
    const logits = await logitsOf(model, withShuffled(rows, feature, source), base.length);
    cells.forEach((cell, c) => {
      collected[c].add(logits[cell.taskIndex], source);
    });
  }
  return collected.map((cell) => cell.finish());
}

function featureDocument(
  { name, kind, members }: Feature,
  doesVary: boolean,
  cells: readonly NamedCell[],
  found: readonly Found[],
  weights: readonly number[],
): ImportanceFeature {
  const counted = found.flatMap((one, c) =>
    one !== undefined && weights[c] > 0 ? [{ ...one, weight: weights[c] }] : [],
  );
  const mean = (of: (one: NonNullable<Found>) => ClusteredMean) =>
    counted.length === 0
      ? null
      : effectOf(
          meanOverCells(
            counted.map(of),
            counted.map(({ weight }) => weight),
          ),
        );
  return {
    name,
    kind,
    ...(kind === 'group' && { members }),
    varies: doesVary,
    aucLoss: mean(({ auc: lost }) => lost),
    loglossGain: mean(({ logloss }) => logloss),
    cells: cells.map(({ scenario, task }, c) => {
      const one = found[c];
      return {
        scenario,
        task,
        aucLoss: one === undefined ? null : effectOf(one.auc),
        loglossGain: one === undefined ? null : effectOf(one.logloss),
      };
    }),
  };
}

const columnOf = (values: Float32Array, rows: Int32Array): Float32Array =>
  Float32Array.from(rows, (row) => values[row]);

const count = (labels: Uint8Array): number => labels.reduce((sum, label) => sum + label, 0);
