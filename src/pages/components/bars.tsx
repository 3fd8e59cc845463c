/** Values as bars from 0, one below the other. */
import { barX, type PlotOptions } from '@observablehq/plot';
import { useCallback, useContext } from 'preact/hooks';
import { Chart, draws } from './chart.tsx';
import { fittedNames } from './forest.tsx';
import { colour } from './palette.tsx';
import { lookUp, PageContext, type Path } from './value.tsx';

interface Bar {
  name: string;
  value: Path;
}

/** `most`: where the axis ends. Default: at the longest bar. */
export function Bars({
  label,
  unit,
  rows,
  most,
}: {
  label: string;
  unit: string;
  rows: readonly Bar[];
  most?: number;
}) {
  const page = useContext(PageContext);
  const draw = useCallback(
    (width: number): PlotOptions => {
      const names = fittedNames(
        rows.map(({ name }) => name),
        width,
      );
      return {
        height: 50 + 26 * rows.length,
        marginTop: 8,
        marginLeft: names.width,
        marginRight: 16,
        x: { label: unit, grid: true, ticks: 5, nice: true, ...(most !== undefined && { domain: [0, most] }) },
        y: { domain: rows.map((_, i) => i), label: null, tickFormat: (i: number) => names.texts[i], tickSize: 0 },
        marks: [
          barX(rows, {
            y: (_: unknown, i: number) => i,
            x: ({ value }: Bar) => lookUp(page, value),
            fill: colour(0),
            insetTop: 4,
            insetBottom: 4,
            ...draws(rows, ({ value }) => ({ width: value })),
          }),
        ],
      };
    },
    [rows, unit, most, page],
  );
  return <Chart label={label} draw={draw} />;
}
