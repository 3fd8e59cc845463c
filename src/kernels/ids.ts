/** An id outside the table is a fault of whoever encoded the rows; unchecked, it would read or overwrite other memory. */
export const noSuchRow = (id: number, position: number, tableRows: number): RangeError =>
  new RangeError(`id ${id} at position ${position} of the ids is not a row of a table of ${tableRows} rows`);
