/** What was measured of transfer, as a document. */
import type { FlowDocument } from '../../documents/flows.ts';
import type { TransferComparison, TransferDocument } from '../../documents/transfer.ts';
import type { FlowAnalysis } from '../analysis.ts';
import { FLOWS } from '../covariance/structure.ts';
import { type Described, flowDocument } from '../document.ts';
import { MOST_SOURCES } from './additive.ts';
import { type CellTransfer, type Comparison, claimed } from './cells.ts';

interface About extends Omit<Described, 'source'> {
  validationRows: number;
  against?: string;
}

/** `about.run`: the model whose transfer was measured; absent for the additive ranker that shares everything. */
export function transferDocument(
  { validationRows, against, ...about }: About,
  found: FlowAnalysis,
  cells: readonly CellTransfer[],
): TransferDocument {
  const { scenarios, tasks } = about;
  const { flows, notes } = flowDocument({ ...about, source: 'labels' }, found, []);
  return {
    schema: 'transfer/1',
    ...about,
    scenarios: [...scenarios],
    tasks: [...tasks],
    source: about.run === undefined ? 'labels' : 'model',
    ...(against !== undefined && { against }),
    validationRows,
    cells: describedCells(cells, scenarios, tasks),
    ...(scenarios.length > 1 &&
      scenarios.length <= MOST_SOURCES && { sources: describedSources(cells, scenarios, tasks) }),
    flows: describedFlows(cells, flows),
    notes: [...notes, ...sharingNotes(scenarios.length, tasks.length)],
  };
}

function describedCells(
  cells: readonly CellTransfer[],
  scenarios: readonly string[],
  tasks: readonly string[],
): TransferDocument['cells'] {
  const [selective, everything, models] = (['selective', 'everything', 'models'] as const).map((kind) =>
    withVerdicts(cells.map((cell) => cell[kind])),
  );
  return cells.map(({ rows, positives, selective: shared }, c) => ({
    scenario: scenarios[Math.floor(c / tasks.length)],
    task: tasks[c % tasks.length],
    rows,
    positives,
    selective: selective[c],
    everything: everything[c],
    models: models[c],
    ...(shared === undefined && { reason: 'too few positives or negatives among the validation rows' }),
  }));
}

/** Source by source within target by target, task by task. */
function describedSources(
  cells: readonly CellTransfer[],
  scenarios: readonly string[],
  tasks: readonly string[],
): NonNullable<TransferDocument['sources']> {
  const pairs = cells.flatMap(({ sources }, c) =>
    sources.map((comparison, source) => ({
      comparison,
      source,
      target: Math.floor(c / tasks.length),
      task: c % tasks.length,
    })),
  );
  const verdicts = withVerdicts(pairs.map(({ comparison }) => comparison));
  return pairs.flatMap(({ source, target, task }, i) => {
    const found = verdicts[i];
    return found === null
      ? []
      : [{ source: scenarios[source], target: scenarios[target], task: tasks[task], ...found }];
  });
}

function withVerdicts(comparisons: readonly (Comparison | undefined)[]): (TransferComparison | null)[] {
  const claims = claimed(comparisons.map((comparison) => comparison?.p));
  return comparisons.map((comparison, c) => {
    if (comparison === undefined) return null;
    const verdict = !claims[c] ? 'undecided' : comparison.aucChange.value > 0 ? 'gains' : 'loses';
    return { verdict, ...comparison };
  });
}

/** Negative transfer is tested where the flow test found a flow useless: the claims are a family. */
function describedFlows(cells: readonly CellTransfer[], flows: FlowDocument['flows']): TransferDocument['flows'] {
  const lines = flows.map(({ scenario, task, flow, name, verdict, strength }, i) => {
    const measured = cells[Math.floor(i / FLOWS)].flows[flow - 1];
    return { scenario, task, flow, name, verdict, strength, measured: measured ?? null };
  });
  const p = lines.map(({ verdict, measured }) => (verdict === 'useless' ? measured?.p : undefined));
  const claims = claimed(p);
  return lines.map((line, i) => ({ ...line, negative: p[i] === undefined ? null : claims[i] }));
}

function sharingNotes(S: number, T: number): string[] {
  if (S === 1 && T === 1) return ['One scenario and one task: there is nothing to share.'];
  if (S === 1) return ['One scenario: tasks share with each other, scenarios cannot.'];
  return [
    ...(T === 1 ? ['One task: scenarios share with each other, tasks cannot.'] : []),
    ...(S > MOST_SOURCES
      ? [`What single scenarios add to each other is measured for up to ${MOST_SOURCES} of them, not for ${S}.`]
      : []),
  ];
}
