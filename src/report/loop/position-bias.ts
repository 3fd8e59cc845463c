/** Position bias of a log, as text: a sentence for each scenario, then the positions. */
import type { PositionBiasDocument } from '../../documents/loop/position-bias.ts';
import { count, duration } from '../numbers.ts';
import { numeric, tableOf, textTable } from '../table.ts';

type Scenario = PositionBiasDocument['scenarios'][number];

export function positionBiasText({ scenarios, type, seconds }: PositionBiasDocument): string {
  const lines = scenarios.flatMap((scenario) => scenario.positions.map((place) => ({ ...place, scenario })));
  const table = tableOf(lines, [
    { title: 'scenario', text: ({ scenario, position }) => (position === 1 ? scenario.scenario : '') },
    numeric('position', ({ position }) => String(position)),
    numeric('shown', ({ impressions }) => count(impressions)),
    numeric(type, ({ clicks }) => count(clicks)),
    numeric('looked at', ({ relative }) => ratio(relative)),
    numeric('low', ({ low }) => ratio(low)),
    numeric('high', ({ high }) => ratio(high)),
  ]);
  const methods = [...new Set(scenarios.map(({ method }) => method))];
  return [
    ...scenarios.map(positionBiasFinding),
    '',
    ...textTable(table),
    'looked at: over the first position, with its 95 % interval',
    ...methods.map((method) => `${NAMES[method]} hold if ${scenarios.find((s) => s.method === method)?.assumption}`),
    `(${duration(seconds)})`,
  ].join('\n');
}

const NAMES = {
  'random-orders': 'figures from random orders',
  rankers: 'figures from several rankers',
  em: 'figures from a click model',
};

const ratio = (value: number | null): string => value?.toFixed(3) ?? '-';

export function positionBiasFinding({ scenario, method, positions, requests }: Scenario): string {
  const last = positions.findLast(({ relative }) => relative !== null);
  if (last === undefined || last.position === 1)
    return `${scenario}: the log cannot tell how often positions are looked at: no item stood at several. Serve a share of requests with exploration.`;
  const { position, relative, low, high } = last;
  const sure = low === null ? '' : ` (95 % interval ${ratio(low)} to ${ratio(high)})`;
  return `${scenario}: position ${position} is looked at ${ratio(relative)} times as often as the first${sure}; ${NAMES[method]}, ${count(requests)} requests.`;
}
