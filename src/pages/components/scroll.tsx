/** What may be wider than the page scrolls on its own. */
import type { ComponentChildren } from 'preact';

export const Scroll = ({ label, children }: { label: string; children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: so that the keyboard can scroll it
  <section class="scroll" tabIndex={0} aria-label={label}>
    {children}
  </section>
);
