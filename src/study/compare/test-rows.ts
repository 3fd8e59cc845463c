/** Labels and groups of the test rows, sorted into cells. */
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { DatasetResult } from '../../documents/comparison.ts';
import { GroupNumbers } from '../../evaluate/significance/index.ts';

/** Labelled test rows of one scenario and task. */
export interface TestCell {
  scenario: number;
  task: number;
  /** Positions in the split. */
  rows: Int32Array;
  labels: Uint8Array;
  /** Number of each row's group for the bootstrap. */
  groups: Int32Array;
}

export interface TestRows {
  /** Scenario by scenario, task by task. */
  cells: TestCell[];
  groups: DatasetResult['groups'];
}

/** Rows without a group, or of data without a group key, are groups of their own. */
export async function readTestRows(data: PreparedData): Promise<TestRows> {
  const { scenarios, tasks, hasGroup } = data.manifest;
  const lists = Array.from({ length: scenarios.length * tasks.length }, () => ({
    rows: [] as number[],
    labels: [] as number[],
    groups: [] as number[],
  }));
  const numbers = new GroupNumbers();
  const reader = await data.open('test');
  try {
    for await (const { size, labels, scenario, group, row } of reader.batches({ batchSize: 16384 }))
      for (let i = 0; i < size; i++) {
        const number = numbers.of(group[i]);
        for (let task = 0; task < tasks.length; task++) {
          const label = labels[i * tasks.length + task];
          if (Number.isNaN(label)) continue;
          const list = lists[scenario[i] * tasks.length + task];
          list.rows.push(row[i]);
          list.labels.push(label);
          list.groups.push(number);
        }
      }
  } finally {
    await reader.close();
  }
  return {
    cells: lists.map(({ rows, labels, groups }, i) => ({
      scenario: Math.floor(i / tasks.length),
      task: i % tasks.length,
      rows: Int32Array.from(rows),
      labels: Uint8Array.from(labels),
      groups: Int32Array.from(groups),
    })),
    groups: { of: hasGroup ? 'group' : 'row', count: numbers.count },
  };
}
