/** How well probabilities fit: for each cell the share of positives against the mean probability, bucket by bucket. */

import { dot, line, type PlotOptions, ruleX } from '@observablehq/plot';
import { useCallback } from 'preact/hooks';
import type { Buckets } from '../../documents/grid.ts';
import { Chart, draws } from './chart.tsx';
import { colour, symbol } from './palette.tsx';
import { cellNames, Figures } from './section.tsx';
import { numbers, Table } from './table.tsx';
import { Interval, type Path } from './value.tsx';

type Bucket = Buckets[number];

/** Buckets of one cell, and where they are in the page's data. */
export interface Series {
  buckets: Buckets;
  at: Path;
}

export interface PicturedCell {
  scenario: string;
  task: string;
  series: readonly Series[];
}

/** A small picture for each cell that has buckets. */
export const ReliabilityPictures = ({ cells }: { cells: readonly PicturedCell[] }) => (
  <Figures
    size="multiples"
    of={cells.filter(({ series }) => series.some(({ buckets }) => buckets.length > 0))}
    names={cellNames}
    show={({ scenario, task, series }) => <Picture name={`${scenario}, ${task}`} series={series} />}
  />
);

function Picture({ name, series }: { name: string; series: readonly Series[] }) {
  const draw = useCallback((): PlotOptions => {
    const all = series.flatMap(({ buckets }) => buckets);
    const top = Math.max(...all.map(({ meanProbability, high }) => Math.max(meanProbability, high)));
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
        ...series.flatMap(marksOf),
      ],
    };
  }, [series]);
  return <Chart label={`Share of positives against the predicted probability: ${name}`} draw={draw} />;
}

/** The buckets of the n-th series. */
function marksOf({ buckets, at }: Series, n: number) {
  const own = (bucket: Bucket, key: keyof Bucket): Path => [...at, buckets.indexOf(bucket), key];
  return [
    ruleX(buckets, {
      x: 'meanProbability',
      y1: 'low',
      y2: 'high',
      stroke: colour(n),
      ...draws(buckets, (bucket) => ({ y1: own(bucket, 'low'), y2: own(bucket, 'high') })),
    }),
    dot(buckets, {
      x: 'meanProbability',
      y: 'positiveRate',
      r: 3,
      symbol: symbol(n),
      fill: colour(n),
      ...draws(buckets, (bucket) => ({ tx: own(bucket, 'meanProbability'), ty: own(bucket, 'positiveRate') })),
    }),
  ];
}

/** The numbers of a picture. */
export const BucketTable = ({ caption, buckets, at }: { caption: string } & Series) => (
  <Table
    caption={caption}
    rows={buckets}
    at={at}
    columns={[
      numbers('predicted', 'meanProbability', 'metric', 'mean'),
      numbers('positive', 'positiveRate', 'metric', 'share'),
      {
        title: 'interval',
        unit: '95 %, Wilson',
        isNumber: true,
        show: (_, own) => <Interval at={own} as="metric" />,
      },
      numbers('rows', 'rows', 'count'),
      numbers('positives', 'positives', 'count'),
    ]}
  />
);
