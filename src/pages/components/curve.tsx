/** A small curve by epoch, drawn without axes: many of them stand side by side, each on its own scale with its lowest and highest value written. */
import { useContext } from 'preact/hooks';
import { colour } from './palette.tsx';
import { lookUp, Num, PageContext, type Path, pointer } from './value.tsx';

const [WIDTH, HEIGHT, EDGE] = [160, 44, 5];
/** Curves of more points have only some of them marked. */
const MARKED = 24;

/** @param points where the values are; `lines`: indices of points before which a phase begins; `best`: index of the point that is marked */
export function Curve({
  label,
  points,
  lines,
  best,
}: {
  label: string;
  points: readonly Path[];
  lines: readonly number[];
  best: number;
}) {
  const page = useContext(PageContext);
  const known = points.flatMap((at, i) => {
    const value = lookUp(page, at);
    return typeof value === 'number' ? [{ at, i, value }] : [];
  });
  if (known.length === 0) return <p class="note">not defined in any epoch</p>;
  const sorted = known.toSorted((a, b) => a.value - b.value);
  const [lowest, highest] = [sorted[0], sorted[sorted.length - 1]];
  const range = highest.value - lowest.value || 1;
  const x = (i: number): number => EDGE + ((WIDTH - 2 * EDGE) * i) / Math.max(1, points.length - 1);
  const y = (value: number): number => HEIGHT - EDGE - ((HEIGHT - 2 * EDGE) * (value - lowest.value)) / range;
  const isMarked = (i: number): boolean => points.length <= MARKED || i === best || i === known[known.length - 1].i;
  return (
    <>
      <svg width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
        {lines.map((i) => (
          <line key={i} x1={x(i - 0.5)} x2={x(i - 0.5)} y1={0} y2={HEIGHT} stroke="var(--line)" />
        ))}
        <polyline
          points={known.map(({ i, value }) => `${x(i).toFixed(1)},${y(value).toFixed(2)}`).join(' ')}
          fill="none"
          stroke={colour(0)}
          stroke-width={1.5}
        />
        {known
          .filter(({ i }) => isMarked(i))
          .map(({ at, i, value }) => (
            <circle
              key={i}
              cx={x(i)}
              cy={y(value)}
              r={i === best ? 3.5 : 1.8}
              fill={i === best ? colour(1) : colour(0)}
              data-cy={pointer(at)}
            />
          ))}
      </svg>
      <p class="range">
        <Num at={lowest.at} as="metric" /> to <Num at={highest.at} as="metric" />
        {best >= 0 && (
          <>
            , best epoch <Num at={points[best]} as="metric" />
          </>
        )}
      </p>
    </>
  );
}
