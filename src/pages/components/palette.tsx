/** Colours of series: told apart with every kind of colour vision (Okabe and Ito 2008, darkened for contrast), and by their marks. */
import { Name } from './name.tsx';

const COLOURS = ['blue', 'orange', 'green', 'pink', 'gold', 'sky', 'grey'] as const;

export const SYMBOLS = ['circle', 'square', 'triangle', 'diamond', 'star', 'cross', 'times'] as const;

/** Of the n-th series. */
export const colour = (n: number): string => `var(--${COLOURS[n % COLOURS.length]})`;
export const symbol = (n: number): (typeof SYMBOLS)[number] => SYMBOLS[n % SYMBOLS.length];

/** Names of series with their colour and mark. */
export function Legend({ names }: { names: readonly string[] }) {
  return (
    <ul class="legend">
      {names.map((name, n) => (
        <li key={name}>
          <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">
            <path d={SHAPES[symbol(n)]} fill={colour(n)} />
          </svg>
          <Name of={name} />
        </li>
      ))}
    </ul>
  );
}

const SHAPES: Record<(typeof SYMBOLS)[number], string> = {
  circle: 'M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0',
  square: 'M-4.5,-4.5h9v9h-9z',
  triangle: 'M0,-5.5L5.5,4.5H-5.5z',
  diamond: 'M0,-6L5,0L0,6L-5,0z',
  star: 'M0,-6L1.6,-2L6,-2L2.5,0.8L3.8,5L0,2.5L-3.8,5L-2.5,0.8L-6,-2L-1.6,-2z',
  cross: 'M-1.8,-5.5h3.6v3.7h3.7v3.6h-3.7v3.7h-3.6v-3.7h-3.7v-3.6h3.7z',
  times: 'M-4.5,-3L-3,-4.5L0,-1.5L3,-4.5L4.5,-3L1.5,0L4.5,3L3,4.5L0,1.5L-3,4.5L-4.5,3L-1.5,0z',
};
