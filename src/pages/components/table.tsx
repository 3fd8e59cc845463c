/** Tables: columns that show a row, whose place in the page's data is the start of all its paths. */

import type { ComponentChildren } from 'preact';
import type { Format } from '../format.ts';
import { Name, Sentence } from './name.tsx';
import { Scroll } from './scroll.tsx';
import { Num, type Path, pointer } from './value.tsx';

export interface Column<Row> {
  title: string;
  /** Below the title, such as a unit. */
  unit?: string;
  show: (row: Row, at: Path) => ComponentChildren;
  /** Numbers go right. */
  isNumber?: boolean;
  /** Names the row. */
  isHead?: boolean;
}

/** A column of numbers: `key` of the row. */
export const numbers = <Row,>(title: string, key: string & keyof Row, as: Format, unit?: string): Column<Row> => ({
  title,
  unit,
  isNumber: true,
  show: (_, at) => <Num at={[...at, key]} as={as} />,
});

/** A column of names. */
export const texts = <Row,>(title: string, key: string & keyof Row): Column<Row> => ({
  title,
  isHead: true,
  show: (row) => <Name of={String(row[key])} />,
});

/** The same of names that the rows themselves do not have. */
export const named = <Row,>(title: string, text: (row: Row) => string): Column<Row> => ({
  title,
  isHead: true,
  show: (row) => <Name of={text(row)} />,
});

/** A column of numbers deeper in a row. */
export const deep = <Row,>(title: string, keys: Path, as: Format, unit?: string): Column<Row> => ({
  title,
  unit,
  isNumber: true,
  show: (_, at) => <Num at={[...at, ...keys]} as={as} />,
});

/** `at`: where the rows are in the page's data. */
export function Table<Row>({
  caption,
  rows,
  at,
  columns,
}: {
  caption: string;
  rows: readonly Row[];
  at: Path;
  columns: readonly Column<Row>[];
}) {
  return (
    <Scroll label={caption} rows={rows.length}>
      <table>
        <caption>
          <Sentence of={caption} />
        </caption>
        <thead>
          <tr>
            {columns.map(({ title, unit, isNumber }) => (
              <th key={title} scope="col" class={isNumber ? 'right' : undefined}>
                <Name of={title} />
                {unit && <small>{unit}</small>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i} data-row={pointer([...at, i])}>
              {columns.map(({ title, show, isNumber, isHead }) =>
                isHead ? (
                  <th key={title} scope="row">
                    {show(row, [...at, i])}
                  </th>
                ) : (
                  <td key={title} class={isNumber ? 'right' : undefined}>
                    {isNumber ? show(row, [...at, i]) : <div class="text">{show(row, [...at, i])}</div>}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
