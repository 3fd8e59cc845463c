/** Several shares by epoch in one small picture, from 0 to 1, without axes: many of them stand side by side. */
import { useContext } from 'preact/hooks';
import { colour } from './palette.tsx';
import { lookUp, PageContext, type Path, pointer } from './value.tsx';

const [WIDTH, HEIGHT, EDGE] = [160, 70, 5];

/** `series`: for each name the places of its values by epoch; a value may be missing. */
export function Shares({ label, series }: { label: string; series: readonly (readonly Path[])[] }) {
  const page = useContext(PageContext);
  const x = (i: number, of: number): number => EDGE + ((WIDTH - 2 * EDGE) * i) / Math.max(1, of - 1);
  const y = (value: number): number => HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * value;
  const lines = series.map((points) =>
    points.flatMap((at, i) => {
      const value = lookUp(page, at);
      return typeof value === 'number' ? [{ at, x: x(i, points.length), y: y(value) }] : [];
    }),
  );
  if (lines.every((points) => points.length === 0)) return <p class="note">no rows</p>;
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      {[0, 0.5, 1].map((value) => (
        <line key={value} x1={0} x2={WIDTH} y1={y(value)} y2={y(value)} stroke="var(--line)" />
      ))}
      {lines.map((points, n) => (
        <g key={n}>
          <polyline
            points={points.map((point) => `${point.x},${point.y}`).join(' ')}
            fill="none"
            stroke={colour(n)}
            stroke-width={1.5}
          />
          {points.map((point) => (
            <circle
              key={pointer(point.at)}
              cx={point.x}
              cy={point.y}
              r={points.length > 24 ? 1 : 2}
              fill={colour(n)}
              data-cy={pointer(point.at)}
            />
          ))}
        </g>
      ))}
    </svg>
  );
}
