/**
 * Large tables of a model in a temporary folder: ONNX Runtime maps files next to a graph into memory, where it would copy numbers that
 * are in memory already.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files.ts';
import { bytesOfTensor, type TensorView } from '../../store/tensors.ts';

export class TableFolder {
  readonly #tables: readonly [file: string, table: TensorView][];
  #path: string | undefined;
  #graphs = 0;

  constructor(tables: readonly [file: string, table: TensorView][]) {
    this.#tables = tables;
  }

  /** Writes a graph next to the tables. Returns its path. Throws DISK_FULL, FILE_UNWRITABLE. */
  graph(bytes: Uint8Array): string {
    this.#path ??= this.#written();
    const path = join(this.#path, `${this.#graphs++}.onnx`);
    writeFileAtomic(path, bytes);
    return path;
  }

  #written(): string {
    const path = mkdtempSync(join(tmpdir(), 'tributary-tables-'));
    for (const [file, table] of this.#tables) writeFileAtomic(join(path, file), bytesOfTensor(table));
    return path;
  }

  remove(): void {
    if (this.#path !== undefined) rmSync(this.#path, { recursive: true, force: true });
    this.#path = undefined;
  }
}
