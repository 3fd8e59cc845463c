/** A part of a page: a finding in a sentence, the picture, the table under it. */
import { type ComponentChildren, Fragment } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { Name, Sentence } from './name.tsx';
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
      <h2 id={id}>
        <Sentence of={title} />
      </h2>
      {finding && (
        <p class="finding">
          <Sentence of={finding} />
        </p>
      )}
      {children}
    </section>
  );
}

/** Pictures side by side, each under the names of what it is of. */
export function Figures<Of>({
  size,
  of,
  names,
  show,
}: {
  /** Charts with axes, or small curves without. */
  size: 'multiples' | 'curves';
  of: readonly Of[];
  names: (one: Of) => readonly string[];
  show: (one: Of, index: number) => ComponentChildren;
}) {
  return (
    <div class={size}>
      {of.map((one, i) => (
        <figure key={JSON.stringify(names(one))}>
          <figcaption>
            {names(one).map((name, n) => (
              <Fragment key={n}>
                {n > 0 && ', '}
                <Name of={name} />
              </Fragment>
            ))}
          </figcaption>
          {show(one, i)}
        </figure>
      ))}
    </div>
  );
}

/** Of a cell. */
export const cellNames = ({ scenario, task }: { scenario: string; task: string }): string[] => [scenario, task];

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

/** Sentences of a list that are shown; the others on request. */
const SHOWN = 8;

export function Sentences({ of }: { of: readonly string[] }) {
  const shown = of.length <= SHOWN + 2 ? of : of.slice(0, SHOWN);
  const others = of.slice(shown.length);
  return (
    <>
      <List of={shown} />
      {others.length > 0 && (
        <Folded title={`${others.length} more`}>
          <List of={others} />
        </Folded>
      )}
    </>
  );
}

const List = ({ of }: { of: readonly string[] }) => (
  <ul class="sentences">
    {of.map((sentence) => (
      <li key={sentence}>
        <Sentence of={sentence} />
      </li>
    ))}
  </ul>
);
