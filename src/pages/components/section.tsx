/** A part of a page: a finding in a sentence, the picture, the table under it. */
import type { ComponentChildren } from 'preact';

export function Section({
  id,
  title,
  finding,
  children,
}: {
  id: string;
  title: string;
  /** Empty: there is none. */
  finding?: string;
  children: ComponentChildren;
}) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {finding && <p class="finding">{finding}</p>}
      {children}
    </section>
  );
}

/** How a figure or table is to be read: units, intervals, n. */
export const Note = ({ children }: { children: ComponentChildren }) => <p class="note">{children}</p>;

/** A table that opens on request; it is in the page all the same. */
export function Folded({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <details>
      <summary>{title}</summary>
      {children}
    </details>
  );
}
