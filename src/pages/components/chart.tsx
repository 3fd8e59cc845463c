/**
 * A chart of Observable Plot, redrawn at the width of the page. Marks carry the paths of the values that they draw, so that tests can hold
 * a picture against its data; people read the same numbers in the table under it.
 */
import { type PlotOptions, plot, type RenderFunction } from '@observablehq/plot';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type Path, pointer } from './value.tsx';

export interface ChartProps {
  /** What it shows, for people who do not see it. */
  label: string;
  /** `width`: of the page's column, pixels. */
  draw: (width: number) => PlotOptions;
}

export function Chart({ label, draw }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observed = place.current!;
    const measure = (): void => setWidth(Math.floor(observed.clientWidth));
    const observer = new ResizeObserver(measure);
    observer.observe(observed);
    measure();
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (width === 0) return;
    const options = draw(width);
    const figure = plot({
      marginTop: 28,
      marginBottom: 42,
      ...options,
      width: options.width ?? width,
      ariaLabel: label,
      style: { background: 'none', fontSize: '13px', fontFamily: 'inherit', overflow: 'visible' },
    });
    const svg = figure instanceof SVGSVGElement ? figure : figure.querySelector('svg');
    svg?.setAttribute('role', 'img');
    // The picture has one name; marks need none.
    for (const part of figure.querySelectorAll('g[aria-label]')) part.removeAttribute('aria-label');
    place.current!.replaceChildren(figure);
  }, [width, draw, label]);
  return <div class="chart" ref={place} />;
}

/** Which values of the page's data a mark draws, by the attribute that shows each; `tx` and `ty`: where a symbol is. */
type Drawn = Partial<
  Record<'cx' | 'cy' | 'x' | 'y' | 'x1' | 'x2' | 'y1' | 'y2' | 'tx' | 'ty' | 'width' | 'height' | 'fill', Path>
>;

/** An option of marks: each element names the values that it draws, as `data-cx="/epochs/3/monitor"`. */
export const draws = <Row,>(rows: readonly Row[], drawn: (row: Row) => Drawn): { render: RenderFunction } => ({
  render(index, scales, values, dimensions, context, next) {
    const group = next!(index, scales, values, dimensions, context);
    const elements = group === null ? [] : [...group.children];
    for (const [k, element] of elements.entries())
      for (const [attribute, path] of Object.entries(drawn(rows[index[k]])))
        element.setAttribute(`data-${nameOf(element, attribute)}`, pointer(path));
    return group;
  },
});

/** Circles have a centre, other symbols are paths that are moved. */
const nameOf = ({ tagName }: Element, attribute: string): string =>
  tagName === 'circle' ? attribute.replace('t', 'c') : attribute;
