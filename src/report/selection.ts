/** What `select` decided and wrote. */
import type { SelectionDocument } from '../documents/selection.ts';
import { count, duration } from './numbers.ts';
import { scoreLines } from './score.ts';
import { numeric, type Table, tableOf, textTable } from './table.ts';

export function selectionText(selection: SelectionDocument): string {
  const { graphs, kind, loss, name, id, out, score, seconds } = selection;
  const { before, scenarios } = graphs;
  const fewer = scenarios.map(({ multiplyAdds }) => 1 - multiplyAdds / before.multiplyAdds);
  return [
    '',
    `${kind} selection: scenarios need ${share(Math.min(...fewer))} to ${share(Math.max(...fewer))} fewer multiply-adds`,
    '',
    ...textTable(graphTable(selection)),
    'ms: median of a batch of 100 rows of the scenario, on one thread; before: the model as it is',
    '',
    ...decisionLines(selection),
    ...comparedLines(selection),
    ...(kind === 'lossy'
      ? ['', 'AUC that each cell loses on validation rows:', ...textTable(lossTable(loss.cells))]
      : []),
    '',
    ...scoreLines(score),
    `wrote ${name} ${id} to ${out} (${duration(seconds)})`,
  ].join('\n');
}

const share = (of: number): string => `${(100 * of).toFixed(1)} %`;

/** A line per graph. */
function graphTable({ graphs, latency }: SelectionDocument): Table {
  const { before, joint, scenarios } = graphs;
  const lines = [
    { name: 'the model as it is', graph: before },
    { name: 'all scenarios', graph: joint },
    ...scenarios.map((graph, s) => ({ name: graph.scenario ?? '', graph, times: latency[s] })),
  ];
  type Line = { graph: (typeof lines)[number]['graph']; times?: (typeof latency)[number] };
  const milliseconds = ({ times }: Line, when: 'before' | 'after'): string =>
    times === undefined ? '' : (times?.[when].toFixed(3) ?? '-');
  return tableOf(lines, [
    { title: 'graph', text: ({ name }) => name },
    numeric('multiply-adds', ({ graph }) => count(graph.multiplyAdds)),
    numeric('fewer', ({ graph }) => (graph === before ? '' : share(1 - graph.multiplyAdds / before.multiplyAdds))),
    numeric('parameters', ({ graph }) => count(graph.parameters)),
    numeric('bytes', ({ graph }) => count(graph.bytes)),
    { title: 'tables', text: ({ graph }) => graph.tables.join(', ') },
    numeric('ms before', (line: Line) => milliseconds(line, 'before')),
    numeric('ms after', (line: Line) => milliseconds(line, 'after')),
  ]);
}

function decisionLines({ decisions, measured, epsilon }: SelectionDocument): string[] {
  const lines = Object.entries(decisions).map(([name, perScenario]) => {
    const open = perScenario.map((own) => own.filter((value) => value === null).length);
    return `${name}: of ${perScenario[0].length} a scenario, ${open.join(', ')} are left to each row`;
  });
  const rows = measured.rows.reduce((sum, n) => sum + n, 0);
  const how = epsilon === 0 ? '' : `; rates within ${epsilon} of never or always were taken for these`;
  return lines.length === 0 ? [] : [`Measured on ${count(rows)} training and validation rows${how}:`, ...lines, ''];
}

const comparedLines = ({ compared, calibrationError }: SelectionDocument): string[] =>
  compared.map(({ split, rows, differing, largest, auc }, i) => {
    const change = ({ before, after }: typeof auc, digits: number): string =>
      [before, after].map((value) => value?.toFixed(digits) ?? '-').join(' -> ');
    const seen = split === 'test' ? ' (not measured)' : '';
    return (
      `${split} rows${seen}: ${count(differing)} of ${count(rows)} answered differently, by at most ${largest.toExponential(1)}; ` +
      `mean AUC ${change(auc, 6)}, calibration error ${change(calibrationError[i], 5)}`
    );
  });

const lossTable = (cells: SelectionDocument['loss']['cells']): Table =>
  tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    numeric('loss', ({ loss }) => loss.toFixed(6)),
  ]);
