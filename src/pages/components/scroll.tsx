/** What may be wider than the page scrolls on its own. */
import type { ComponentChildren } from 'preact';

/** `rows`: of the table inside; browsers lay a long one out when it comes near. */
export const Scroll = ({ label, rows, children }: { label: string; rows: number; children: ComponentChildren }) => (
  <section
    class={rows > 30 ? 'scroll far' : 'scroll'}
    // biome-ignore lint/a11y/noNoninteractiveTabindex: so that the keyboard can scroll it
    tabIndex={0}
    aria-label={label}
    style={`contain-intrinsic-block-size: auto ${40 * rows + 60}px`}
  >
    {children}
  </section>
);
