/** A small curve by epoch over several seeds, drawn without axes: the mean as a line, a bar from the lowest to the highest value. */
import { colour } from './palette.tsx';
import { Num, type Path, pointer } from './value.tsx';

const [WIDTH, HEIGHT, EDGE] = [160, 56, 8];

interface Point {
  epoch: number;
  mean: number;
  lowest: number;
  highest: number;
}

/** @param at where the points are; `best`: epochs that are marked */
export function Band({
  label,
  points,
  at,
  best,
}: {
  label: string;
  points: readonly Point[];
  at: Path;
  best: readonly number[];
}) {
  const lowest = points.reduce((least, { lowest: value }, i) => (value < points[least].lowest ? i : least), 0);
  const highest = points.reduce((most, { highest: value }, i) => (value > points[most].highest ? i : most), 0);
  const range = points[highest].highest - points[lowest].lowest || 1;
  const last = Math.max(...points.map(({ epoch }) => epoch));
  const x = (epoch: number): number => EDGE + ((WIDTH - 2 * EDGE) * (epoch - 1)) / Math.max(1, last - 1);
  const y = (value: number): number => HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * (value - points[lowest].lowest)) / range;
  return (
    <>
      <svg width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
        {points.map((point, i) => (
          <line
            key={point.epoch}
            x1={x(point.epoch)}
            x2={x(point.epoch)}
            y1={y(point.lowest)}
            y2={y(point.highest)}
            stroke={colour(0)}
            stroke-opacity={0.35}
            stroke-width={4}
            data-y1={pointer([...at, i, 'lowest'])}
            data-y2={pointer([...at, i, 'highest'])}
          />
        ))}
        <polyline
          points={points.map(({ epoch, mean }) => `${x(epoch).toFixed(1)},${y(mean).toFixed(2)}`).join(' ')}
          fill="none"
          stroke={colour(0)}
          stroke-width={1.5}
        />
        {points.map(({ epoch, mean }, i) => (
          <circle
            key={epoch}
            cx={x(epoch)}
            cy={y(mean)}
            r={1.8}
            fill={colour(0)}
            data-cx={pointer([...at, i, 'epoch'])}
            data-cy={pointer([...at, i, 'mean'])}
          />
        ))}
        {[...new Set(best)].map((epoch) => (
          <path key={epoch} d={`M${x(epoch)},${HEIGHT - EDGE + 1}l-4,7h8z`} fill={colour(1)} />
        ))}
      </svg>
      <p class="range">
        <Num at={[...at, lowest, 'lowest']} as="metric" /> to <Num at={[...at, highest, 'highest']} as="metric" />
        {best.length > 0 && <>, kept: epoch {[...new Set(best)].sort((a, b) => a - b).join(', ')}</>}
      </p>
    </>
  );
}
