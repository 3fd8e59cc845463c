/** The scenario x task grid: a line per scenario, a column per task. */

import type { ComponentChildren } from 'preact';
import { Name, Sentence } from './name.tsx';
import { Scroll } from './scroll.tsx';

export interface GridCell {
  scenario: string;
  task: string;
}

export function Grid<Cell extends GridCell>({
  caption,
  corner = 'scenario',
  cells,
  columns,
  show,
}: {
  caption: string;
  /** What lines are. */
  corner?: string;
  /** Scenario by scenario, task by task. */
  cells: readonly Cell[];
  /** Default: tasks as they come. */
  columns?: readonly string[];
  /** `index`: in `cells`. */
  show: (cell: Cell, index: number) => ComponentChildren;
}) {
  const scenarios = [...new Set(cells.map(({ scenario }) => scenario))];
  const tasks = columns ?? [...new Set(cells.map(({ task }) => task))];
  const indices = new Map(cells.map(({ scenario, task }, i) => [JSON.stringify([scenario, task]), i]));
  return (
    <Scroll label={caption} rows={3 * scenarios.length}>
      <table class="grid">
        <caption>
          <Sentence of={caption} />
        </caption>
        <thead>
          <tr>
            <th scope="col">{corner}</th>
            {tasks.map((task) => (
              <th key={task} scope="col">
                <Name of={task} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {scenarios.map((scenario) => (
            <tr key={scenario}>
              <th scope="row">
                <Name of={scenario} />
              </th>
              {tasks.map((task) => {
                const i = indices.get(JSON.stringify([scenario, task]));
                return <td key={task}>{i === undefined ? '' : show(cells[i], i)}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
