/** A part of a page: a finding in a sentence, the picture, the table under it. */
import type { ComponentChildren } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { oneLine } from '../../base/one-line.ts';
import { PageContext } from './value.tsx';

export function Section({
  id,
  title,
  children,
}: {
  /** Of the section, and of its sentence in the page's data. */
  id: string;
  title: string;
  children: ComponentChildren;
}) {
  const finding = useContext(PageContext)?.sentences?.[id];
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{oneLine(title)}</h2>
      {finding && <p class="finding">{oneLine(finding)}</p>}
      {children}
    </section>
  );
}

/** How a figure or table is to be read: units, intervals, n. */
export const Note = ({ children }: { children: ComponentChildren }) => <p class="note">{children}</p>;

/** What is shown on request: rendered when it is opened first, since large tables take long. */
export function Folded({ title, children }: { title: string; children: ComponentChildren }) {
  const [wasOpened, setOpened] = useState(false);
  return (
    <details onToggle={() => setOpened(true)}>
      <summary>{title}</summary>
      {wasOpened && children}
    </details>
  );
}

export const Sentences = ({ of }: { of: readonly string[] }) => (
  <ul class="sentences">
    {of.map((sentence) => (
      <li key={sentence}>{oneLine(sentence)}</li>
    ))}
  </ul>
);
