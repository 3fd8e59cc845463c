/**
 * MPI by FFI: one binding for both families of implementations. Open MPI's handles are addresses of symbols of its library;
 * MPICH's are numbers of its ABI, which Intel MPI and MVAPICH share. The numbers are those of MPICH's mpi.h.
 */
import type * as Koffi from 'koffi';
import { error } from '../base/errors/index.ts';
import { KOFFI_VERSION } from '../base/version.ts';
import { type Launched, launched } from './launched.ts';

/** An address, or one of MPICH's numbers. */
type Handle = bigint | number;
type Pointer = bigint | ArrayBufferView | null;

export interface Mpi {
  /** Like "Open MPI v4.1.4"; from the library. */
  version: string;
  handles: Record<'world' | 'errorsReturn' | 'float' | 'double' | 'int' | 'unsigned' | 'byte' | 'sum' | 'max', Handle>;
  inPlace: bigint;
  /** Functions of MPI by name; they throw where MPI returns a code other than MPI_SUCCESS. */
  init(): void;
  rank(): number;
  size(): number;
  allreduce(send: Pointer, recv: Pointer, count: number, type: Handle, op: Handle): void;
  allgather(send: Pointer, count: number, type: Handle, recv: Pointer): void;
  allgatherv(send: Pointer, count: number, type: Handle, recv: Pointer, counts: Int32Array, starts: Int32Array): void;
  alltoallv(send: Pointer, counts: Parts, recv: Pointer, recvCounts: Parts, type: Handle): void;
  bcast(values: Pointer, count: number, type: Handle, root: number): void;
  barrier(): void;
  /** Begins a barrier. Returns what says whether all ranks are there; ask it until they are. */
  startBarrier(): () => boolean;
  finalize(): void;
  isInitialized(): boolean;
  isFinalized(): boolean;
  /** Ends all ranks with this exit code. Does not return. */
  abort(code: number): void;
}

/** Parts of an array, by rank, in elements. */
export interface Parts {
  counts: Int32Array;
  starts: Int32Array;
}

/** Where the library is, if not where the system looks: a path or a name. */
const VARIABLE = 'TRIBUTARY_MPI_LIBRARY';

const NAMES = {
  linux: { 'Open MPI': ['libmpi.so.40', 'libmpi.so'], MPICH: ['libmpich.so.12', 'libmpi.so.12'] },
  darwin: { 'Open MPI': ['libmpi.40.dylib', 'libmpi.dylib'], MPICH: ['libmpi.12.dylib', 'libpmpi.12.dylib'] },
};

/**
 * Loads the MPI library that fits the launcher.
 *
 * @throws KOFFI_MISSING, MPI_LIBRARY_MISSING
 */
export async function loadMpi(): Promise<Mpi> {
  const koffi = await loadKoffi();
  // MPI runs deep call chains on the stack that koffi gives it.
  koffi.config({ async_stack_size: 4 << 20, sync_stack_size: 8 << 20 });
  keepMemory(koffi);
  return bind(openLibrary(koffi, launched()?.kind));
}

/**
 * Keeps UCX, the network layer of many MPI libraries, from replacing malloc while threads of V8 use it: one start in fifty crashed
 * (MPICH 4.0 with UCX 1.13, 4 ranks; the same as github.com/openucx/ucx/issues/3831). It would do so to remember memory that is
 * registered with a network card. A value that the user has set stays. `process.env` of a worker thread is a copy that C does not see.
 */
function keepMemory(koffi: Pick<typeof Koffi, 'load'>): void {
  koffi.load(null).func('setenv', 'int', ['str', 'str', 'int'])('UCX_MEM_EVENTS', 'no', 0);
}

/** Optional in package.json: an installation may have left it out, or have no binary for the platform. */
async function loadKoffi(): Promise<Pick<typeof Koffi, 'config' | 'load'>> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw error('KOFFI_MISSING', { version: KOFFI_VERSION, reason }, cause);
  }
}

function openLibrary(koffi: Pick<typeof Koffi, 'load'>, kind: Launched['kind']): Koffi.LibraryHandle {
  const named = process.env[VARIABLE];
  const known = process.platform === 'darwin' ? NAMES.darwin : NAMES.linux;
  const names = named ? [named] : kind ? known[kind] : [...known['Open MPI'], ...known.MPICH];
  const reasons: string[] = [];
  for (const name of names) {
    try {
      const library = koffi.load(name, { lazy: false, global: true }); // global: its plug-ins look up its symbols
      keepLoaded(koffi, name);
      return library;
    } catch (cause) {
      reasons.push(`${name}: ${(cause as Error).message.replace(/^Failed to load shared library: /, '')}`);
    }
  }
  throw error('MPI_LIBRARY_MISSING', { kind, reasons, variable: VARIABLE });
}

/** koffi unloads a library, and what it knows of the ranks, when the thread ends that loaded it; another one may yet have to end them. */
function keepLoaded(koffi: Pick<typeof Koffi, 'load'>, name: string): void {
  koffi.load(null).func('dlopen', 'void *', ['str', 'int'])(name, RTLD_NOW);
}

const RTLD_NOW = 2;

function bind(lib: Koffi.LibraryHandle): Mpi {
  const isOpenMpi = hasSymbol(lib, 'ompi_mpi_comm_world');
  const handles = isOpenMpi ? openMpiHandles(lib) : MPICH_HANDLES;
  const { world } = handles;
  const H = isOpenMpi ? 'void *' : 'int';
  const version = textOf((text, length) => lib.func('MPI_Get_library_version', 'int', OUT_TEXT)(text, length));
  const errorString = lib.func('MPI_Error_string', 'int', ['int', ...OUT_TEXT]);
  const errorText = (code: number): string => textOf((text, length) => errorString(code, text, length));
  const call = (name: string, ...types: string[]) => {
    const foreign = lib.func(name, 'int', types);
    return (...values: unknown[]): void => {
      const code: number = foreign(...values);
      if (code !== 0) throw error('MPI_FAILED', { call: name, reason: errorText(code), version });
    };
  };
  const init = call('MPI_Init_thread', 'void *', 'void *', 'int', '_Out_ int *');
  const setErrorHandler = call('MPI_Comm_set_errhandler', H, H);
  const commRank = call('MPI_Comm_rank', H, '_Out_ int *');
  const commSize = call('MPI_Comm_size', H, '_Out_ int *');
  const allreduce = call('MPI_Allreduce', 'void *', 'void *', 'int', H, H, H);
  const allgather = call('MPI_Allgather', 'void *', 'int', H, 'void *', 'int', H, H);
  const allgatherv = call('MPI_Allgatherv', 'void *', 'int', H, 'void *', 'void *', 'void *', H, H);
  const alltoallv = call('MPI_Alltoallv', 'void *', 'void *', 'void *', H, 'void *', 'void *', 'void *', H, H);
  const bcast = call('MPI_Bcast', 'void *', 'int', H, 'int', H);
  const barrier = call('MPI_Barrier', H);
  const startBarrier = call('MPI_Ibarrier', H, 'void *');
  const test = call('MPI_Test', 'void *', 'void *', 'void *');
  const finalize = call('MPI_Finalize');
  const initialized = call('MPI_Initialized', '_Out_ int *');
  const finalized = call('MPI_Finalized', '_Out_ int *');
  const abort = call('MPI_Abort', H, 'int');
  const number = (read: (...values: unknown[]) => void, ...values: unknown[]): number => {
    const out = [0];
    read(...values, out);
    return out[0];
  };
  return {
    version,
    handles,
    inPlace: isOpenMpi ? 1n : 2n ** 64n - 1n,
    init() {
      init(null, null, THREAD_MULTIPLE, [0]);
      setErrorHandler(world, handles.errorsReturn); // by default MPI ends the process with a text of its own
    },
    rank: () => number(commRank, world),
    size: () => number(commSize, world),
    allreduce: (send, recv, count, type, op) => allreduce(send, recv, count, type, op, world),
    allgather: (send, count, type, recv) => allgather(send, count, type, recv, count, type, world),
    allgatherv: (send, count, type, recv, counts, starts) =>
      allgatherv(send, count, type, recv, counts, starts, type, world),
    alltoallv: (send, from, recv, to, type) =>
      alltoallv(send, from.counts, from.starts, type, recv, to.counts, to.starts, type, world),
    bcast: (values, count, type, root) => bcast(values, count, type, root, world),
    barrier: () => barrier(world),
    startBarrier() {
      const request = new BigInt64Array(1); // a handle: an address, or a number of 32 bits
      const status = new Uint8Array(STATUS_BYTES);
      const flag = new Int32Array(1);
      startBarrier(world, request);
      return () => {
        test(request, flag, status);
        return flag[0] !== 0;
      };
    },
    finalize: () => finalize(),
    isInitialized: () => number(initialized) !== 0,
    isFinalized: () => number(finalized) !== 0,
    abort: (code) => abort(world, code),
  };
}

/** An MPI_Status has 24 bytes in Open MPI, 20 in MPICH. */
const STATUS_BYTES = 64;

/** Training owns MPI in a thread that is not the first one of the process. */
const THREAD_MULTIPLE = 3;

const MPICH_HANDLES: Mpi['handles'] = {
  world: 0x44000000,
  errorsReturn: 0x54000001,
  float: 0x4c00040a,
  double: 0x4c00080b,
  int: 0x4c000405,
  unsigned: 0x4c000406,
  byte: 0x4c00010d,
  sum: 0x58000003,
  max: 0x58000001,
};

function openMpiHandles(lib: Koffi.LibraryHandle): Mpi['handles'] {
  const address = (name: string): bigint => lib.symbol(`ompi_mpi_${name}`);
  return {
    world: address('comm_world'),
    errorsReturn: address('errors_return'),
    float: address('float'),
    double: address('double'),
    int: address('int'),
    unsigned: address('unsigned'),
    byte: address('byte'),
    sum: address('op_sum'),
    max: address('op_max'),
  };
}

function hasSymbol(lib: Koffi.LibraryHandle, name: string): boolean {
  try {
    lib.symbol(name);
    return true;
  } catch {
    return false;
  }
}

/** A buffer for a text, and its length. */
const OUT_TEXT = ['void *', '_Out_ int *'];

/** The first part of a text, like "Open MPI v4.1.4" of "Open MPI v4.1.4, package: Debian OpenMPI ...". */
function textOf(write: (text: Buffer, length: number[]) => void): string {
  const text = Buffer.alloc(8192); // MPI_MAX_LIBRARY_VERSION_STRING of MPICH, the longest
  const length = [0];
  write(text, length);
  const [line] = text.toString('latin1', 0, length[0]).split(/[\n,\0]/);
  return line.replaceAll(/\s+/g, ' ').trim();
}
