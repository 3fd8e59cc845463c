/** Collects logits and labels batch by batch and ends in the grid of exact metrics. */
import { tmpdir } from 'node:os';
import { groupMetrics, logitMetrics } from './cell.ts';
import { append, byGroup, byLogit, type Entries, emptyEntries, keyOf, type Order, tagOf } from './entries.ts';
import { type Cell, type Grid, type GridAccumulator, MACRO_METRICS, type Metric } from './grid.ts';
import { ALL_CELLS, cellWeights, type MeansRule, weightedMean } from './means.ts';
import { missing, numberOf, overRows, REASONS, value } from './metric.ts';
import { type Run, SpillFile } from './spill.ts';

export interface GridOptions {
  scenarios: string[];
  tasks: string[];
  /** Without a group key grouped AUC, NDCG and MAP are undefined. */
  hasGroup: boolean;
  /** Which cells count in means. Default: all, equally. */
  means?: MeansRule;
  /** Rows of a group's list that NDCG and MAP are of. Default 10. */
  k?: number;
  /** Labelled (row, task) pairs held in memory, 8 bytes each; beyond it they go to disk. Default 8 million. */
  memoryRows?: number;
  /** Where to spill. Default: the system's folder for temporary files. */
  tempFolder?: string;
}

/** One cell while rows come in. */
interface Collected {
  entries: Entries;
  logitRuns: Run[];
  groupRuns: Run[];
  rows: number;
  positives: number;
  unlabelled: number;
  notANumber: number;
}

/** Starts an evaluation. Its result depends on the rows alone: not on their order, their batches or `memoryRows`. */
export function createGrid(options: GridOptions): GridAccumulator {
  const {
    scenarios,
    tasks,
    hasGroup,
    means = ALL_CELLS,
    k = 10,
    memoryRows = 8_000_000,
    tempFolder = tmpdir(),
  } = options;
  const cells = Array.from({ length: scenarios.length * tasks.length }, emptyCell);
  let spillFile: SpillFile | undefined;
  let held = 0;

  function spill(): void {
    spillFile ??= new SpillFile(tempFolder);
    for (const cell of cells) {
      if (cell.entries.length === 0) continue;
      byLogit.sort(cell.entries);
      cell.logitRuns.push(spillFile.write(cell.entries));
      if (hasGroup) {
        byGroup.sort(cell.entries);
        cell.groupRuns.push(spillFile.write(cell.entries));
      }
      cell.entries.length = 0;
    }
    held = 0;
  }

  function sorted(cell: Collected, runs: Run[], order: Order): Iterable<Entries> {
    if (spillFile !== undefined) return spillFile.merge(runs, order, memoryRows);
    order.sort(cell.entries);
    return [cell.entries];
  }

  function metricsOf(cell: Collected): Pick<Cell, (typeof MACRO_METRICS)[number] | 'meanProbability'> {
    if (cell.notANumber > 0) {
      const none = missing(REASONS.notANumber);
      const ofMacro = Object.fromEntries(MACRO_METRICS.map((name) => [name, none]));
      return { ...(ofMacro as Record<(typeof MACRO_METRICS)[number], Metric>), meanProbability: none };
    }
    const noGroups = missing(REASONS.noGroupKey);
    return {
      ...logitMetrics(sorted(cell, cell.logitRuns, byLogit)),
      ...(hasGroup
        ? groupMetrics(sorted(cell, cell.groupRuns, byGroup), k)
        : { groupedAuc: noGroups, ndcg: noGroups, map: noGroups }),
    };
  }

  function dispose(): void {
    spillFile?.dispose();
  }

  return {
    add({ size, logits, labels, scenario, group }) {
      const bits = new Uint32Array(logits.buffer, logits.byteOffset, logits.length);
      for (let row = 0; row < size; row++) {
        for (let task = 0; task < tasks.length; task++) {
          const at = row * tasks.length + task;
          const cell = cells[scenario[row] * tasks.length + task];
          const label = labels[at];
          if (Number.isNaN(label)) {
            cell.unlabelled++;
            continue;
          }
          cell.rows++;
          cell.positives += label;
          if (Number.isNaN(logits[at])) cell.notANumber++;
          append(cell.entries, keyOf(bits[at]), tagOf(group[row], label));
          if (++held >= memoryRows) spill();
        }
      }
    },

    async finish() {
      if (spillFile !== undefined) spill();
      try {
        const finished = cells.map((cell, i): Cell => {
          const { rows, positives, unlabelled } = cell;
          return {
            scenario: scenarios[Math.floor(i / tasks.length)],
            task: tasks[i % tasks.length],
            rows,
            positives,
            unlabelled,
            ...metricsOf(cell),
            positiveRate: overRows(rows, () => positives / rows),
          };
        });
        return gridOf({ scenarios, tasks, cells: finished, k }, means);
      } finally {
        dispose();
      }
    },

    dispose,
  };
}

const emptyCell = (): Collected => ({
  entries: emptyEntries(),
  logitRuns: [],
  groupRuns: [],
  rows: 0,
  positives: 0,
  unlabelled: 0,
  notANumber: 0,
});

/** Adds the means over the cells. */
function gridOf(parts: Omit<Grid, 'macro' | 'means'>, rule: MeansRule): Grid {
  const { weights, fallback } = cellWeights(parts.cells, rule);
  const mean = (name: (typeof MACRO_METRICS)[number]): Metric => {
    const found = weightedMean(
      parts.cells.map((cell) => numberOf(cell[name])),
      weights,
    );
    return found === null ? missing(REASONS.noCell) : value(found);
  };
  const cells = parts.cells.map((cell, i) => (weights[i] > 0 ? cell : { ...cell, leftOut: leftOutReason(cell, rule) }));
  return {
    ...parts,
    cells,
    macro: {
      ...(Object.fromEntries(MACRO_METRICS.map((name) => [name, mean(name)])) as Record<
        (typeof MACRO_METRICS)[number],
        Metric
      >),
      cells: cells.filter((cell) => 'value' in cell.auc && cell.leftOut === undefined).length,
    },
    means: { ...rule, fallback },
  };
}

function leftOutReason({ rows, positives }: Cell, { minPositives, minNegatives }: MeansRule): string {
  const lacking = (found: number, minimum: number, what: string): string[] =>
    found < minimum ? [`${found} of ${minimum} ${what}`] : [];
  const lacks = [
    ...lacking(positives, minPositives, 'positives'),
    ...lacking(rows - positives, minNegatives, 'negatives'),
  ];
  return lacks.length === 0 ? 'no positives to weigh it by' : lacks.join(', ');
}
