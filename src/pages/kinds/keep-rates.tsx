/** How often frozen gates let each flow through, by cell. */
import type { RunDocument } from '../../documents/result.ts';
import { Alluvial } from '../components/alluvial.tsx';
import { Grid } from '../components/grid.tsx';
import { Note } from '../components/section.tsx';
import { Num } from '../components/value.tsx';

export function KeepRates({
  flows,
  scenarios,
  tasks,
}: {
  flows: NonNullable<RunDocument['flows']>;
  scenarios: readonly string[];
  tasks: readonly string[];
}) {
  const at = (s: number, t: number, k: number) => ['result', 'flows', 'keep', s, t, k];
  const ribbons = scenarios.flatMap((scenario, s) =>
    tasks.flatMap((task, t) =>
      flows.names.map((flow, k) => ({ scenario, flow, task, value: flows.keep[s][t][k] ?? 0, at: at(s, t, k) })),
    ),
  );
  const cells = scenarios.flatMap((scenario, s) => tasks.map((task, t) => ({ scenario, task, s, t })));
  return (
    <>
      <Alluvial
        label="Share of rows for which gates let a flow through"
        ribbons={ribbons}
        scenarios={scenarios}
        flows={flows.names}
        tasks={tasks}
      />
      <Grid
        caption="Share of the training rows of a scenario for which a flow reaches the task"
        cells={cells}
        show={({ s, t }) =>
          flows.names.map((name, k) => (
            <span class="line" key={name}>
              <Num at={at(s, t, k)} as="percent" /> <small>{name}</small>
            </span>
          ))
        }
      />
      <Note>
        A rate says what a gate does, not what a cell needs: other gates with other weights may give the same answers.
      </Note>
    </>
  );
}
