/** The kernels in WebAssembly SIMD. Each arena is one memory with its own instance of the module. */
import { allocateMemory, arenaOver } from './arena.ts';
import { type AdamStep, type FieldLayout, type Kernels, noSuchRow, type Region } from './contract.ts';
import { MODULE_BASE64 } from './generated/module.ts';
import { adamConstants, maskConstants } from './steps.ts';

/** The part of the WebAssembly API used here, which Node's types lack. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<object>;
  Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  Instance: new (module: object, imports: { env: { memory: object } }) => { exports: unknown };
};

/** The module's functions (assembly/index.ts): addresses and lengths first, then constants. */
interface Module {
  gather(...a: number[]): number;
  scatterUnique(...a: number[]): number;
  spreadRows(...a: number[]): void;
  clearRows(...a: number[]): void;
  adam(...a: number[]): void;
  adamRows(...a: number[]): void;
  adamTable(...a: number[]): void;
  sgd(...a: number[]): void;
  sgdMomentum(...a: number[]): void;
  sgdRows(...a: number[]): void;
  sumOfSquares(vector: number, length: number): number;
  largest(vector: number, length: number): number;
  dropoutMask(...a: number[]): void;
}

const PAGE = 65536;
const LAYOUT_INTS = 4;
/** The first page of every memory holds the field layouts or the constants of the current call. */
const FIRST_PAGE = 0;
const MAX_FIELDS = PAGE / (4 * LAYOUT_INTS);

const bytes = Buffer.from(MODULE_BASE64, 'base64');

/** Does this machine run the module (that is, WebAssembly with SIMD)? */
export const hasWasmSimd = (): boolean => typeof WebAssembly === 'object' && WebAssembly.validate(bytes);

export async function loadWasmKernels(): Promise<Kernels> {
  const module = await WebAssembly.compile(bytes);
  const instances = new WeakMap<ArrayBufferLike, Module>();
  const moduleOf = (region: Region<Float32Array | Int32Array>): Module => {
    const found = instances.get(region.view.buffer);
    if (found === undefined) throw new RangeError('the region belongs to no arena of these kernels');
    return found;
  };

  return {
    name: 'wasm',

    createArena(size) {
      const pages = 1 + Math.ceil(size / PAGE);
      const memory = allocateMemory(pages * PAGE, () => new WebAssembly.Memory({ initial: pages, maximum: pages }));
      instances.set(memory.buffer, new WebAssembly.Instance(module, { env: { memory } }).exports as Module);
      return arenaOver(memory.buffer, PAGE);
    },

    gather({ ids, rows, slots, fields, table, dimension, out }) {
      const tableRows = table.view.length / dimension;
      const bad = moduleOf(table).gather(
        at(ids, rows * slots),
        rows,
        slots,
        writeLayouts(table, fields),
        fields.length,
        at(table),
        tableRows,
        dimension,
        at(out, rows * fields.length * dimension),
      );
      if (bad >= 0) throw noSuchRow(ids.view[bad], bad, tableRows);
    },

    scatterUnique({ ids, rows, slots, fields, gradient, dimension, stamps, unique, summed, known = 0 }) {
      const tableRows = stamps.view.length;
      const maxRows = Math.min(tableRows, known + rows * slots);
      const count = moduleOf(gradient).scatterUnique(
        at(ids, rows * slots),
        rows,
        slots,
        writeLayouts(gradient, fields),
        fields.length,
        at(gradient, rows * fields.length * dimension),
        dimension,
        at(stamps),
        tableRows,
        at(unique, maxRows),
        at(summed, maxRows * dimension),
        known,
      );
      if (count < 0) throw noSuchRow(ids.view[~count], ~count, tableRows);
      return count;
    },

    adamRows({ table, first, second, dimension, unique, count, summed }, step) {
      const size = table.view.length;
      moduleOf(table).adamRows(
        at(table),
        at(first, size),
        at(second, size),
        dimension,
        at(unique, count),
        count,
        at(summed, count * dimension),
        writeConstants(table, step),
      );
    },

    adamTable({ table, first, second, dimension, stamps, unique, count, summed }, step) {
      const size = table.view.length;
      moduleOf(table).adamTable(
        at(table),
        at(first, size),
        at(second, size),
        dimension,
        size / dimension,
        at(stamps, size / dimension),
        at(unique, count),
        count,
        at(summed, count * dimension),
        writeConstants(table, step),
      );
    },

    spreadRows({ unique, count, summed, dimension, dense }) {
      moduleOf(dense).spreadRows(at(unique, count), count, at(summed, count * dimension), dimension, at(dense));
    },

    clearRows({ unique, count, dimension, dense }) {
      moduleOf(dense).clearRows(at(unique, count), count, dimension, at(dense));
    },

    adam({ parameter, gradient, first, second, from, to }, step) {
      const span = (region: Region) => at(region, to) + 4 * from;
      const constants = writeConstants(parameter, step);
      moduleOf(parameter).adam(span(parameter), span(gradient), span(first), span(second), to - from, constants);
    },

    sgd({ parameter, gradient, velocity, from, to }, { learningRate, momentum, l2, gradientScale }) {
      const span = (region: Region) => at(region, to) + 4 * from;
      const { sgd, sgdMomentum } = moduleOf(parameter);
      if (velocity === undefined || momentum === 0) {
        sgd(span(parameter), span(gradient), to - from, learningRate, l2, gradientScale);
      } else {
        const spans = [span(parameter), span(gradient), span(velocity)];
        sgdMomentum(...spans, to - from, learningRate, momentum, l2, gradientScale);
      }
    },

    sgdRows({ table, dimension, unique, count, summed }, { learningRate, l2, gradientScale }) {
      const rows = [at(table), dimension, at(unique, count), count, at(summed, count * dimension)];
      moduleOf(table).sgdRows(...rows, learningRate, l2, gradientScale);
    },

    sumOfSquares: (vector, from, to) => moduleOf(vector).sumOfSquares(at(vector, to) + 4 * from, to - from),
    largest: (vector, from, to) => moduleOf(vector).largest(at(vector, to) + 4 * from, to - from),

    dropoutMask(out, length, keep, seed, counter) {
      if (keep >= 1) {
        out.view.fill(1, 0, length);
        return;
      }
      const { threshold, value, key0, key1 } = maskConstants(keep, seed, counter);
      moduleOf(out).dropoutMask(at(out, length), length, threshold, value, key0, key1);
    },
  };
}

/** A region's address. Checks that the region is large enough for the kernel, because the module checks nothing. */
function at(region: Region<Float32Array | Int32Array>, length = 0): number {
  if (region.view.length < length)
    throw new RangeError(`a region has ${region.view.length} elements; the kernel needs ${length}`);
  return region.byteOffset;
}

function writeLayouts(region: Region, fields: FieldLayout[]): number {
  if (fields.length > MAX_FIELDS)
    throw new RangeError(`${fields.length} fields; the kernels take at most ${MAX_FIELDS}`);
  const layouts = new Int32Array(region.view.buffer, FIRST_PAGE, fields.length * LAYOUT_INTS);
  fields.forEach(({ slot, slots, pooling, padding }, i) => {
    layouts.set([slot, slots, pooling === 'mean' ? 1 : 0, padding], i * LAYOUT_INTS);
  });
  return FIRST_PAGE;
}

/** The constants in the order of assembly/optimizer.ts. */
function writeConstants(region: Region, step: AdamStep): number {
  const c = adamConstants(step);
  const inOrder = [c.scale, c.l2, c.decay, c.beta1, c.gain1, c.beta2, c.gain2, c.rootScale, c.epsilon, c.stepSize];
  new Float32Array(region.view.buffer, FIRST_PAGE, inOrder.length).set(inOrder);
  return FIRST_PAGE;
}
