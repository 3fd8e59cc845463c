/** What a simulation found, as text. */
import type { SimulatedDay, SimulationDocument } from '../../documents/loop/simulation.ts';
import { count, duration, metricText } from '../numbers.ts';
import { numeric, tableOf, textTable } from '../table.ts';

/** The finding, then a line per day and scenario. */
export function simulationText({ all, days, arms, reward, shown, events, seconds }: SimulationDocument): string {
  const worths = Object.entries(reward).map(([task, weight]) => (weight === 1 ? task : `${weight} x ${task}`));
  const scenarios = days[0]?.scenarios.map(({ scenario }) => scenario) ?? [];
  const table = tableOf(days, [
    { title: 'day', text: ({ day }) => String(day) },
    { title: 'date', text: ({ date }) => date },
    numeric('requests', ({ all: { requests } }) => count(requests)),
    numeric('shown', (day) => metricText(day.all.shown)),
    numeric('best', (day) => metricText(day.all.best)),
    numeric('random', (day) => metricText(day.all.random)),
    numeric('possible', (day) => share(day.all.possible)),
    ...scenarios.map((name, s) => numeric<SimulatedDay>(name, (day) => share(day.scenarios[s].possible))),
    ...(events
      ? [
          numeric<SimulatedDay>('interactions', ({ interactions }) => count(interactions)),
          numeric<SimulatedDay>('taken back', ({ corrections }) => count(corrections)),
        ]
      : []),
    { title: 'model', text: ({ models }) => Object.keys(models).join(', ') },
    { title: '', text: (day) => driftNote(day, days) },
  ]);
  return [
    `Users got ${share(all.possible)} of what better orders than a random one can bring (${count(all.requests)} requests, ${duration(seconds)}).`,
    '',
    ...textTable(table),
    '',
    `shown, best, random: expected ${worths.join(' + ')} of a list of ${shown}, by the world's own probabilities`,
    'possible, and the columns of scenarios: (shown - random) / (best - random)',
    ...(arms === undefined ? [] : ['', ...textTable(armTable(arms))]),
    ...lostNote(days),
  ].join('\n');
}

const armTable = (arms: NonNullable<SimulationDocument['arms']>) =>
  tableOf(arms, [
    { title: 'experiment', text: ({ experiment }) => experiment },
    { title: 'arm', text: ({ arm }) => arm },
    numeric('requests', ({ requests }) => count(requests)),
    numeric('shown', (arm) => metricText(arm.shown)),
    numeric('possible', (arm) => share(arm.possible)),
  ]);

function lostNote(days: readonly SimulatedDay[]): string[] {
  const lost = days.reduce((sum, day) => sum + (day.lost ?? 0), 0);
  return lost === 0 ? [] : ['', `${count(lost)} requests were not made: their users were lost before (--lose)`];
}

const share = (value: number | null): string => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);

function driftNote({ day, drifts }: SimulatedDay, days: readonly SimulatedDay[]): string {
  const before = days.find((other) => other.day === day - 1)?.drifts ?? (day === 1 ? 0 : drifts);
  return drifts > before ? 'tastes have changed' : '';
}
