/** What flows from the scenarios through the flows to the tasks: a ribbon for each flow of each cell, as wide as its strength. */
import { sankey, sankeyLinkHorizontal } from 'd3-sankey';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { oneLine } from '../../base/one-line.ts';
import { fitted } from './forest.tsx';
import { colour } from './palette.tsx';
import { type Path, pointer } from './value.tsx';

export interface Ribbon {
  scenario: string;
  flow: string;
  task: string;
  value: number;
  at: Path;
}

interface Node {
  id: string;
  name: string;
  /** 0: scenarios, 1: flows, 2: tasks. */
  layer: number;
}

interface Link {
  source: string;
  target: string;
  value: number;
  ribbon: Ribbon;
}

export function Alluvial({
  label,
  ribbons,
  scenarios,
  flows,
  tasks,
}: {
  label: string;
  ribbons: readonly Ribbon[];
  scenarios: readonly string[];
  flows: readonly string[];
  tasks: readonly string[];
}) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => setWidth(Math.floor(place.current!.clientWidth)));
    observer.observe(place.current!);
    setWidth(Math.floor(place.current!.clientWidth));
    return () => observer.disconnect();
  }, []);
  const isNarrow = width < 600;
  const side = isNarrow ? Math.floor(width * 0.24) : 150;
  const height = Math.min(640, Math.max(220, 34 * Math.max(scenarios.length, tasks.length, flows.length)));
  const drawn = ribbons.filter(({ value }) => value > 0);
  if (drawn.length === 0) return null;
  const nodes: Node[] = [scenarios, flows, tasks].flatMap((names, layer) =>
    names.map((name, n) => ({ id: `${layer}.${n}`, name, layer })),
  );
  const idOf = (layer: number, names: readonly string[], name: string): string => `${layer}.${names.indexOf(name)}`;
  const links = drawn.flatMap((ribbon): Link[] => {
    const flow = idOf(1, flows, ribbon.flow);
    return [
      { source: idOf(0, scenarios, ribbon.scenario), target: flow, value: ribbon.value, ribbon },
      { source: flow, target: idOf(2, tasks, ribbon.task), value: ribbon.value, ribbon },
    ];
  });
  const layout =
    width === 0
      ? undefined
      : sankey<Node, Link>()
          .nodeId(({ id }) => id)
          .nodeAlign(({ layer }) => layer)
          .nodeSort(null)
          .nodeWidth(12)
          .nodePadding(isNarrow ? 24 : 18)
          .extent([
            [side, 24],
            [width - side, height - 8],
          ])({ nodes, links: links.map((link) => ({ ...link })) });
  const path = sankeyLinkHorizontal<Node, Link>();
  return (
    <div class="chart" ref={place}>
      {layout && (
        <svg width={width} height={height} role="img" aria-label={label} class="alluvial">
          {layout.links.map((link, i) => (
            <path
              key={i}
              d={path(link) ?? ''}
              fill="none"
              stroke={colour(flows.indexOf(link.ribbon.flow))}
              stroke-opacity={0.42}
              stroke-width={Math.max(0.5, link.width ?? 0)}
              data-thickness={pointer(link.ribbon.at)}
            />
          ))}
          {layout.nodes.map((node) => {
            const { id, layer, name, x0 = 0, x1 = 0, y0 = 0, y1 = 0 } = node;
            const middle = (y0 + y1) / 2;
            const isFlow = layer === 1;
            return (
              <g key={id}>
                <rect
                  x={x0}
                  y={y0}
                  width={x1 - x0}
                  height={Math.max(1, y1 - y0)}
                  fill={isFlow ? colour(flows.indexOf(name)) : 'var(--soft)'}
                />
                <text
                  x={layer === 0 ? x0 - 6 : layer === 2 ? x1 + 6 : (x0 + x1) / 2}
                  y={isFlow ? y0 - 5 : middle}
                  dy={isFlow ? '0' : '0.35em'}
                  text-anchor={layer === 0 ? 'end' : layer === 2 ? 'start' : 'middle'}
                >
                  {fitted(oneLine(name), isFlow ? 190 : side - 10)}
                </text>
              </g>
            );
          })}
        </svg>
      )}
    </div>
  );
}
