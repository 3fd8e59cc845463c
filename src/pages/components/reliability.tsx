/** How well probabilities fit: for each cell the share of positives against the mean probability, bucket by bucket. */

import { dot, line, type PlotOptions, ruleX } from '@observablehq/plot';
import { useCallback } from 'preact/hooks';
import type { Reliability } from '../../documents/grid.ts';
import { Chart, draws } from './chart.tsx';
import { Name } from './name.tsx';
import { colour } from './palette.tsx';
import type { Path } from './value.tsx';

type Buckets = Reliability[number]['buckets'];

/** A small picture for each cell. `at`: of the list. */
export const ReliabilityPictures = ({ cells, at }: { cells: Reliability; at: Path }) => (
  <div class="multiples">
    {cells.map(
      ({ scenario, task, buckets }, i) =>
        buckets.length > 0 && (
          <figure key={`${scenario} ${task}`}>
            <figcaption>
              <Name of={scenario} />, <Name of={task} />
            </figcaption>
            <Picture name={`${scenario}, ${task}`} buckets={buckets} path={i} at={at} />
          </figure>
        ),
    )}
  </div>
);

function Picture({ name, buckets, path, at }: { name: string; buckets: Buckets; path: number; at: Path }) {
  const draw = useCallback((): PlotOptions => {
    const top = Math.max(...buckets.map(({ meanProbability, high }) => Math.max(meanProbability, high)));
    const own = (key: keyof Buckets[number]) => (bucket: Buckets[number]) =>
      [...at, path, 'buckets', buckets.indexOf(bucket), key] as const;
    return {
      height: 200,
      marginTop: 8,
      marginLeft: 40,
      marginRight: 8,
      x: { domain: [0, top], label: 'predicted', ticks: 4 },
      y: { domain: [0, top], label: null, ticks: 4, grid: true },
      marks: [
        line(
          [
            [0, 0],
            [top, top],
          ],
          { stroke: 'var(--soft)', strokeDasharray: '4 3' },
        ),
        ruleX(buckets, {
          x: 'meanProbability',
          y1: 'low',
          y2: 'high',
          stroke: colour(0),
          ...draws(buckets, (bucket) => ({ y1: own('low')(bucket), y2: own('high')(bucket) })),
        }),
        dot(buckets, {
          x: 'meanProbability',
          y: 'positiveRate',
          r: 3,
          fill: colour(0),
          ...draws(buckets, (bucket) => ({ cx: own('meanProbability')(bucket), cy: own('positiveRate')(bucket) })),
        }),
      ],
    };
  }, [buckets, path, at]);
  return <Chart label={`Share of positives against the predicted probability: ${name}`} draw={draw} />;
}
