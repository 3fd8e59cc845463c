/** The workspace of a training step in the arena. */
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
  /** Gate inputs per row; 0 without gates. */
  gates: number;
  denseParameters: number;
  /** Total size of the model's buffers, in numbers. */
  buffers: number;
  tableRows: number;
  /** How many of them this rank has, if others have the rest. */
  ownRows?: number;
  /** Numbers per row over all dropout masks. */
  dropout: number;
  /** Numbers per row over all noise. */
  noise: number;
}

/** Workspace of a step, allocated once for all phases. */
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
}

/** Capacity in rows: a batch plus idle rows. */
const capacity = ({ batchSize }: Pick<StepSizes, 'batchSize'>): number => batchSize + IDLE_ROWS;

/** Max number of distinct table rows of a batch. */
export const batchRows = (sizes: Pick<StepSizes, 'batchSize' | 'tableRows'>, layout: RowLayout): number =>
  Math.min(sizes.tableRows, capacity(sizes) * (layout.slots + sequenceSlots(layout)));

const lengths = (sizes: StepSizes, layout: RowLayout) => {
  const B = capacity(sizes);
  const { tasks: T } = sizes;
  const uses = batchRows(sizes, layout);
  return {
    ints: { stamps: sizes.ownRows === undefined ? sizes.tableRows : Math.max(uses, sizes.ownRows), unique: uses },
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
  return {
    ...allocateInputs(arena, capacity(sizes), layout),
    ...region(floats, (count) => arena.floats(count)),
    stamps: arena.ints(ints.stamps),
    unique: arena.ints(ints.unique),
  };
}
