/** The metrics of a cell, each worked out in one pass over its entries in order. Chunks may end between equal logits. */
import { PairCounter } from './auc.ts';
import { CalibrationBuckets } from './calibration.ts';
import { type Entries, groupOf, labelOf, logitOf } from './entries.ts';
import type { Cell, Metric } from './grid.ts';
import { lossIfNegative, lossIfPositive, Sum, sigmoid } from './logloss.ts';
import { missing, overRows, REASONS, value } from './metric.ts';
import { TopOfList } from './ranking.ts';

type LogitMetrics = Pick<Cell, 'auc' | 'logloss' | 'calibrationError' | 'meanProbability' | 'buckets'>;
type GroupMetrics = Pick<Cell, 'groupedAuc' | 'ndcg' | 'map'>;

/** Metrics over all rows; chunks in order of the logit. */
export function logitMetrics(chunks: Iterable<Entries>): LogitMetrics {
  const pairs = new PairCounter();
  const loss = new Sum();
  const calibration = new CalibrationBuckets();
  forEachTie(chunks, false, (key, _group, positives, negatives) => {
    const probability = sigmoid(logitOf(key));
    pairs.add(positives, negatives);
    if (positives > 0) loss.add(positives * lossIfPositive(probability));
    if (negatives > 0) loss.add(negatives * lossIfNegative(probability));
    calibration.add(probability, positives, negatives);
  });
  const rows = pairs.positives + pairs.negatives;
  return {
    auc: pairs.area(),
    logloss: overRows(rows, () => loss.value / rows),
    calibrationError: calibration.error(),
    meanProbability: calibration.meanProbability(),
    buckets: calibration.buckets(),
  };
}

/**
 * Metrics within groups: AUC averaged by rows over the groups with both classes, NDCG@k and MAP@k averaged over the groups with a
 * label of 1. Chunks in order of group, then logit.
 */
export function groupMetrics(chunks: Iterable<Entries>, k: number): GroupMetrics {
  const weighted = new Sum();
  let rows = 0;
  let pairs = new PairCounter();
  let current = 0;
  const list = new TopOfList(k);
  const gains = new Sum();
  const precisions = new Sum();
  let lists = 0;
  const endGroup = (): void => {
    const area = pairs.area();
    const top = list.end();
    if (current === 0) return; // rows without a group are nobody's ranking
    if (top !== undefined) {
      gains.add(top.ndcg);
      precisions.add(top.map);
      lists++;
    }
    if (!('value' in area)) return;
    const size = pairs.positives + pairs.negatives;
    weighted.add(size * area.value);
    rows += size;
  };
  forEachTie(chunks, true, (_key, group, positives, negatives) => {
    if (group !== current) {
      endGroup();
      pairs = new PairCounter();
      current = group;
    }
    pairs.add(positives, negatives);
    list.add(positives, positives + negatives);
  });
  endGroup();
  const mean = (sum: Sum): Metric => (lists === 0 ? missing(REASONS.noPositiveGroup) : value(sum.value / lists));
  return {
    groupedAuc: rows === 0 ? missing(REASONS.noMixedGroup) : value(weighted.value / rows),
    ndcg: mean(gains),
    map: mean(precisions),
  };
}

/** Calls `onTie` once for all entries with the same logit (and the same group, if `perGroup`). */
function forEachTie(
  chunks: Iterable<Entries>,
  perGroup: boolean,
  onTie: (key: number, group: number, positives: number, negatives: number) => void,
): void {
  let key = 0;
  let group = 0;
  let rows = 0;
  let positives = 0;
  for (const { keys, tags, length } of chunks) {
    for (let i = 0; i < length; i++) {
      const itsGroup = perGroup ? groupOf(tags[i]) : 0;
      if (keys[i] !== key || itsGroup !== group) {
        if (rows > 0) onTie(key, group, positives, rows - positives);
        key = keys[i];
        group = itsGroup;
        rows = 0;
        positives = 0;
      }
      rows++;
      positives += labelOf(tags[i]);
    }
  }
  if (rows > 0) onTie(key, group, positives, rows - positives);
}
