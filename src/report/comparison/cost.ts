/** What the models of a comparison cost, and which trainings failed. */
import type { DatasetResult, ModelResult, Times } from '../../documents/comparison.ts';
import { count } from '../numbers.ts';
import { numeric, tableOf } from '../table.ts';
import type { Section } from './section.ts';

export function costSection({ data, models }: DatasetResult, times: Times): Section {
  const costs = models.map((model) => ({
    model,
    own: times.models.find((of) => of.data === data && of.model === model.model),
  }));
  type Cost = (typeof costs)[number];
  /** Costs are unknown for models that no seed trained to the end. */
  const known = (title: string, text: (own: NonNullable<Cost['own']>, model: ModelResult) => string) =>
    numeric<Cost>(title, ({ own, model }) => (own === undefined ? '-' : text(own, model)));
  return {
    title: 'what models cost',
    table: tableOf(costs, [
      { title: 'model', text: ({ model }) => model.model },
      known('dense', (_, model) => whole(model.denseParameters)),
      known('embedding', (_, model) => whole(model.embeddingParameters)),
      known('mul-adds/row', (_, model) => whole(model.multiplyAddsPerRow)),
      known('epochs', (_, model) => meanEpochs(model).toFixed(1)),
      known('s to best', (own) => own.secondsToBest.toFixed(1)),
      known('CPU s to best', (own) => own.processorSecondsToBest.toFixed(1)),
      known('s in all', (own) => own.seconds.toFixed(1)),
      known('peak MiB', (own) => whole(own.peakBytes / (1 << 20))),
    ]),
    notes: [
      'parameters of references and their multiply-adds, epochs and times are sums over their parts; times are means over seeds',
    ],
  };
}

const whole = (value: number): string => count(Math.round(value));

function meanEpochs({ epochs, seeds }: ModelResult): number {
  const all = epochs.flatMap((phases) => Object.values(phases)).reduce((sum, n) => sum + n, 0);
  return all / Math.max(1, seeds.length);
}

export function failureSections({ models }: DatasetResult): Section[] {
  const failed = models.flatMap((model) => model.failed);
  if (failed.length === 0) return [];
  return [
    {
      title: 'trainings that failed',
      table: tableOf(failed, [
        { title: 'training', text: ({ cell }) => cell },
        { title: 'error', text: ({ code }) => code },
      ]),
      notes: [...new Set(failed.map(({ code, message }) => `${code}: ${message}`))],
    },
  ];
}
