/** The verdict of a flow test next to what a synthetic world planted, as text. */
import { plantedTruth, type World } from '../data/synthetic/world.ts';
import type { FlowDocument } from '../documents/flows.ts';
import { numeric, tableOf, textTable } from '../report/table.ts';

/** A line per cell: the strength found of each flow, the claim that it is useless, and whether it was planted as noise. */
export function verdictText(world: World, { flows, fields }: FlowDocument): string {
  const truth = plantedTruth(world);
  const cells = truth.cells.map((cell) => ({
    ...cell,
    found: flows.filter(({ scenario, task }) => scenario === cell.scenario && task === cell.task),
  }));
  const table = tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    ...truth.flows.map(({ name }, k) =>
      numeric<(typeof cells)[number]>(shortName(name), ({ found, flows: planted }) => {
        const { strength, verdict } = found[k];
        return `${strength.toFixed(2)}${verdict === 'useless' ? ' no' : '   '}${planted[k].noise ? ' *' : '  '}`;
      }),
    ),
  ]);
  const judged = cells.flatMap(({ found, flows: planted }) =>
    planted.map(({ noise }, k) => ({ noise, claimed: found[k].verdict === 'useless' })),
  );
  const count = (of: (flow: (typeof judged)[number]) => boolean): number => judged.filter(of).length;
  const right = fields.filter(({ field, reads }) =>
    truth.flows.every(({ userField, itemField }, k) => reads[k] === [userField, itemField].includes(field)),
  ).length;
  return [
    "strength of each flow by the test, 1 = the flow's usual one (no: useless by the test; *: planted as noise)",
    ...textTable(table),
    `${count(({ noise, claimed }) => noise && claimed)} of ${count(({ noise }) => noise)} noise flows found, ` +
      `${count(({ noise, claimed }) => !noise && claimed)} wrong claims; ` +
      `the flows of ${right} of ${fields.length} fields are exactly as planted`,
  ].join('\n');
}

/** A flow's name without the words that all names share. */
export const shortName = (name: string): string => name.replaceAll(/scenario-|task-/g, '');
