/** Passes over rows in the form that the estimates read: the coarse design, and numbers of the levels of ids. */
import { type FlowRows, type FlowSource, isAsked } from '../rows.ts';
import { type Blocks, type Values, valuesOf } from '../survey.ts';
import { type Columns, columnsOf, type Design, designOf, times } from './design.ts';

/** Some of the rows. */
export interface Part {
  rows: number;
  /** [N] */
  scenario: Int32Array;
  /** [N, T] */
  labels: Float64Array;
  /** [N, T] 1 where a row has a label that counts. */
  asked: Uint8Array;
  /** [N] weight of each row. */
  mass: Float64Array;
  /** [N, T] logits that are known. */
  offset?: Float64Array;
  design: Design;
  /** By id field. */
  fine: Values[];
}

/** The logit of place i = row * T + t of [N, T]: what is known, and x b of the coarse fields. */
export const logitAt = ({ design, offset }: Part, i: number, row: number, b: Float64Array): number =>
  (offset?.[i] ?? 0) + times(design, row, b);

/** Rows up to here stay in memory, at some 400 bytes each; more are read again at each pass. */
const HELD_ROWS = 250_000;

/** Matrices of cells, or sums by id, that are in memory at a time; with more, scenarios or ids take turns. */
const TURN_BYTES = 128 * 2 ** 20;

export interface PassOptions {
  /** A task counts only on rows where the task before it is 1 (click, then purchase). */
  orderedTasks: boolean;
  /** Default 250,000. */
  heldRows?: number;
  /** Default 128 MiB. */
  turnBytes?: number;
}

export class Passes {
  readonly scenarios: number;
  readonly tasks: number;
  readonly rows: number;
  readonly columns: Columns;
  readonly turnBytes: number;
  readonly #source: FlowSource;
  readonly #blocks: Blocks;
  readonly #massFactors: Float64Array;
  readonly #orderedTasks: boolean;
  readonly #held: Part[] | undefined;
  #isHeld = false;

  constructor(
    source: FlowSource,
    { blocks, massFactors }: { blocks: Blocks; massFactors: Float64Array },
    { orderedTasks, heldRows = HELD_ROWS, turnBytes = TURN_BYTES }: PassOptions,
  ) {
    this.scenarios = source.scenarios;
    this.tasks = source.tasks;
    this.rows = source.rows;
    this.turnBytes = turnBytes;
    this.columns = columnsOf(blocks.coarse);
    this.#source = source;
    this.#blocks = blocks;
    this.#massFactors = massFactors;
    this.#orderedTasks = orderedTasks;
    this.#held = source.rows <= heldRows ? [] : undefined;
  }

  /** Every row once. */
  async each(visit: (part: Part) => void): Promise<void> {
    if (this.#isHeld) {
      for (const part of this.#held ?? []) visit(part);
      return;
    }
    for await (const rows of this.#source.parts()) {
      const part = this.#partOf(rows);
      this.#held?.push(part);
      visit(part);
    }
    this.#isHeld = this.#held !== undefined;
  }

  #partOf(rows: FlowRows): Part {
    const { scenario, weight, labels, offset, rows: n } = rows;
    const ones = new Float64Array(n).fill(1);
    const { coarse, fine } = this.#blocks;
    const factors = this.#massFactors;
    return {
      rows: n,
      scenario,
      labels,
      ...(offset && { offset }),
      asked: Uint8Array.from(labels, (_, i) => Number(isAsked(rows, i, this.#orderedTasks))),
      mass: weight?.map((value, row) => value * factors[scenario[row]]) ?? ones,
      design: designOf(
        n,
        this.columns,
        coarse.map((block) => valuesOf(rows, block, ones)),
      ),
      fine: fine.map((block) => valuesOf(rows, block, ones)),
    };
  }
}
