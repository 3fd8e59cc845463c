/** The buffers of a training step, laid out in the arena. */
import {
  allocateInputs,
  type InputBuffers,
  inputBytes,
  type RowLayout,
  sequenceSlots,
} from '../../inference/arena/inputs.ts';
import { type Arena, type Region, regionBytes } from '../../kernels/index.ts';
import { IDLE_ROWS } from './idle-rows.ts';
import type { LossBuffers } from './loss.ts';

export interface StepSizes {
  batchSize: number;
  tasks: number;
  /** Numbers per row of the fed gates; 0 without. */
  gates: number;
  denseParameters: number;
  /** Numbers of all buffers of the model. */
  buffers: number;
  tableRows: number;
  /** Whether the table is updated densely by SGD, which spreads its gradient over all rows. */
  wholeTable: boolean;
  /** Numbers per row over all dropout masks. */
  dropout: number;
  /** Numbers per row over all noise. */
  noise: number;
}

/** Buffers of a step, allocated once for all phases. */
export interface StepBuffers extends InputBuffers, LossBuffers {
  gates: Region;
  dropout: Region;
  noise: Region;
  gradient: Region;
  /** The model's buffers after the step. */
  nextBuffers: Region;
  embeddingGradient: Region;
  /** [B, K, L, D] */
  sequenceGradient: Region;
  stamps: Region<Int32Array>;
  unique: Region<Int32Array>;
  summed: Region;
  wholeTable: Region | undefined;
}

/** Rows that there is room for: a batch, and idle rows beside it. */
const capacity = ({ batchSize }: StepSizes): number => batchSize + IDLE_ROWS;

const lengths = (sizes: StepSizes, layout: RowLayout) => {
  const B = capacity(sizes);
  const { tasks: T } = sizes;
  const uses = Math.min(sizes.tableRows, B * (layout.slots + sequenceSlots(layout))); // different rows of the table at most
  return {
    ints: { stamps: sizes.tableRows, unique: uses },
    floats: {
      labels: B * T,
      lossWeights: B * T,
      rowWeights: B,
      gates: B * sizes.gates,
      dropout: B * sizes.dropout,
      noise: B * sizes.noise,
      gradient: sizes.denseParameters,
      nextBuffers: sizes.buffers,
      embeddingGradient: B * layout.fields.length * layout.dimension,
      sequenceGradient: B * sequenceSlots(layout) * layout.dimension,
      summed: uses * layout.dimension,
      wholeTable: sizes.wholeTable ? sizes.tableRows * layout.dimension : 0,
    },
  };
};

export function stepBytes(sizes: StepSizes, layout: RowLayout): number {
  const { ints, floats } = lengths(sizes, layout);
  const all = [...Object.values(ints), ...Object.values(floats)];
  return inputBytes(capacity(sizes), layout) + all.reduce((sum, count) => sum + regionBytes(count), 0);
}

export function allocateStep(arena: Arena, sizes: StepSizes, layout: RowLayout): StepBuffers {
  const { ints, floats } = lengths(sizes, layout);
  const region = <K extends string>(counts: Record<K, number>, take: (count: number) => Region) =>
    Object.fromEntries(Object.entries<number>(counts).map(([name, count]) => [name, take(count)])) as Record<K, Region>;
  const { wholeTable, ...rest } = region(floats, (count) => arena.floats(count));
  return {
    ...allocateInputs(arena, capacity(sizes), layout),
    ...rest,
    stamps: arena.ints(ints.stamps),
    unique: arena.ints(ints.unique),
    wholeTable: floats.wholeTable > 0 ? wholeTable : undefined,
  };
}
