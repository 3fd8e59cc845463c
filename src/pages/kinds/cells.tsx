/** The scenario x task grid of a model: a picture of AUCs, and the grid under it. */
import type { GridJson } from '../../documents/grid.ts';
import type { YardsticksDocument } from '../../documents/yardsticks.ts';
import { YARDSTICK_NAMES } from '../../report/yardsticks.ts';
import { Forest } from '../components/forest.tsx';
import { Grid } from '../components/grid.tsx';
import { Folded, Note } from '../components/section.tsx';
import { numbers, Table, texts } from '../components/table.tsx';
import { Estimate, Interval, Num, type Path } from '../components/value.tsx';

/** `at`: of the grid in the page's data; `yardsticks`, with their place: what the cells are held against. */
export function CellGrid({
  grid,
  at,
  rows,
  yardsticks,
}: {
  grid: GridJson;
  at: Path;
  /** What the rows are, as in "test rows". */
  rows: string;
  yardsticks?: { document: YardsticksDocument; at: Path };
}) {
  const { cells, k } = grid;
  const margin = yardsticks?.document.margin ?? null;
  const against = yardsticks?.document.measured.findIndex(({ key }) => key === margin?.against) ?? -1;
  const ofCell = (i: number): Path => [...(yardsticks?.at ?? []), 'margin', 'cells', i];
  const marginOf = (i: number) => margin?.cells?.[i] ?? null;
  const forest = cells.flatMap(({ scenario, task, auc }, i) =>
    auc === null
      ? []
      : [
          {
            name: [scenario, task],
            value: [...at, 'cells', i, 'auc'],
            ...(marginOf(i) !== null && { low: [...ofCell(i), 'auc', 'low'], high: [...ofCell(i), 'auc', 'high'] }),
            ...(yardsticks !== undefined &&
              against >= 0 && { other: [...yardsticks.at, 'measured', against, 'grid', 'cells', i, 'auc'] }),
          },
        ],
  );
  return (
    <>
      <Forest label={`AUC of each cell on ${rows}`} unit={`AUC on ${rows}`} rows={forest} />
      {margin && (
        <Note>
          Points: the model, with 95 % intervals by a bootstrap of groups where a cell has enough rows. Ticks: the best
          yardstick, {YARDSTICK_NAMES[margin.against]}.
        </Note>
      )}
      <Grid
        caption={`AUC of each cell on ${rows}${margin?.cells ? ', and its difference to the best yardstick' : ''}`}
        cells={cells}
        show={(cell, i) => {
          const own = [...at, 'cells', i];
          return (
            <>
              <strong>
                <Num at={[...own, 'auc']} as="metric" why={cell.reasons?.auc} />
              </strong>
              {marginOf(i) && (
                <small>
                  <Interval at={[...ofCell(i), 'auc']} as="metric" />
                </small>
              )}
              {marginOf(i) && (
                <span class="against">
                  <Estimate at={[...ofCell(i), 'difference']} />
                </span>
              )}
              <small>
                <Num at={[...own, 'rows']} as="count" /> rows, <Num at={[...own, 'positives']} as="count" /> positives
              </small>
              {cell.leftOut && <small>not in means: {cell.leftOut}</small>}
              {cell.auc === null && <small>{cell.reasons?.auc}</small>}
            </>
          );
        }}
      />
      <Note>
        AUC: the chance that a positive row of the cell ranks above a negative one; ties count one half.
        {margin?.cells && ' ▲ better and ▼ worse than the yardstick by the 95 % interval, ◇ not decided.'}
      </Note>
      <Folded title={`All metrics of the ${cells.length} cells`}>
        <Table
          caption={`Metrics on ${rows}; a dash where one is undefined`}
          rows={cells}
          at={[...at, 'cells']}
          columns={[
            texts('scenario', 'scenario'),
            texts('task', 'task'),
            numbers('AUC', 'auc', 'metric'),
            numbers('grouped AUC', 'groupedAuc', 'metric'),
            numbers(`NDCG@${k}`, 'ndcg', 'metric'),
            numbers(`MAP@${k}`, 'map', 'metric'),
            numbers('log loss', 'logloss', 'metric'),
            numbers('calibration error', 'calibrationError', 'metric'),
            numbers('positive rate', 'positiveRate', 'metric'),
            numbers('mean probability', 'meanProbability', 'metric'),
            numbers('rows', 'rows', 'count'),
            numbers('positives', 'positives', 'count'),
          ]}
        />
      </Folded>
    </>
  );
}
