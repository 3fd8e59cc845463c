/** The options of AutoIFS. */
import { z } from 'zod';
import { flowCells, flowSource } from '../../flow-table.ts';
import { modelOptions, positive, widths } from '../../options.ts';

/** The four flows of a task, in gate order: scenario side -> task side. */
export const FLOWS = ['shared -> shared', 'specific -> specific', 'shared -> specific', 'specific -> shared'] as const;

export const autoifsOptions = modelOptions('autoifs', {
  mlpDims: widths.min(2).default([1024, 512, 256]).describe('widths: shared ReLU layers, then the scenario layers'),
  scenarioLayers: positive.default(1).describe('how many of the last mlpDims are scenario layers'),
  taskDims: widths.default([]).describe('widths of hidden task layers before the one-number output'),
  loraRank: z.int().min(0).default(2).describe('rank of every specific addition; 0 leaves a bias alone'),
  loraInit: z
    .enum(['reference', 'slice'])
    .default('reference')
    .describe('Xavier on the 3-D tensor (published) or on each slice'),
  selection: z
    .union([
      z.enum(['learned', 'random', 'keep', 'remove']),
      z.strictObject({ table: z.union([flowSource, flowCells]) }),
    ])
    .default('learned')
    .describe(
      'who sets the gates: the gate network; or, to see what it is worth, a fair coin for each row, task and flow, all flows kept, or all removed; or one decision per cell for all rows, {table: T}: T as `flows` of the model streams, its cells alone',
    ),
  gatePenalty: z
    .union([z.number(), z.array(z.number())])
    .default(0)
    .describe(
      'lambda: weight of the mean gate in the search loss, for all tasks or per task; above 0 it discourages removal',
    ),
}).refine((o) => o.scenarioLayers < o.mlpDims.length, {
  path: ['scenarioLayers'],
  message: 'leave at least one of mlpDims for the shared layers',
});

export type AutoifsOptions = z.output<typeof autoifsOptions>;

/** Widths of the three parts: shared layers, scenario layers, task layers (the last has width 1). */
export function parts({ mlpDims, scenarioLayers, taskDims }: AutoifsOptions) {
  const cut = mlpDims.length - scenarioLayers;
  return { shared: mlpDims.slice(0, cut), scenario: mlpDims.slice(cut), task: [...taskDims, 1] };
}
