/** The frame of every page: what it is, what was found, the sections, and what could not be shown. */

import type { ComponentChildren } from 'preact';
import type { Page } from '../page.ts';
import { Name, Sentence } from './name.tsx';
import { Folded, Sentences } from './section.tsx';
import { PageContext } from './value.tsx';

export function Frame({ page, children }: { page: Page; children: ComponentChildren }) {
  const { title, facts, findings, notes, version, links = [] } = page;
  return (
    <PageContext.Provider value={page}>
      <header>
        {links.length > 0 && (
          <nav>
            {links.map(({ href, text }) => (
              <a key={href} href={href}>
                <Name of={text} />
              </a>
            ))}
          </nav>
        )}
        <p class="kind">{KINDS[page.kind]}</p>
        <h1>
          <Name of={title} />
        </h1>
        <p class="facts">
          {facts.map((fact) => (
            <span key={fact}>
              <Name of={fact} />
            </span>
          ))}
        </p>
        {findings.slice(0, FINDINGS).map((finding, i) => (
          <p key={finding} class={i === 0 ? 'lead' : 'finding'}>
            <Sentence of={finding} />
          </p>
        ))}
        {findings.length > FINDINGS && (
          <Folded title={`${findings.length - FINDINGS} more findings`}>
            <Sentences of={findings.slice(FINDINGS)} />
          </Folded>
        )}
      </header>
      <main>
        {children}
        {notes.length > 0 && (
          <section aria-labelledby="notes">
            <h2 id="notes">Not shown here</h2>
            <Sentences of={notes} />
          </section>
        )}
      </main>
      <footer>
        Tributary {version}. {CONTENT[page.kind] ?? 'Aggregates only: no rows.'}{' '}
        {isLive() ? 'The page follows its files.' : links.length > 0 ? '' : 'Opening this file sends no request.'}
      </footer>
    </PageContext.Provider>
  );
}

/** Findings at the head of a page; the others on request. */
const FINDINGS = 5;

const isLive = (): boolean => document.querySelector('meta[name="tributary-live"]') !== null;

/** What a page contains that has more than aggregates. */
const CONTENT: Partial<Record<Page['kind'], string>> = {
  explanation: 'Values of one request.',
  log: 'Ids of requests and items.',
  ask: 'What is pasted is not stored.',
};

const KINDS: Record<Page['kind'], string> = {
  run: 'Training run',
  comparison: 'Comparison',
  tuning: 'Search for options',
  artifact: 'Artifact',
  flows: 'Information flows',
  transfer: 'Transfer',
  evaluation: 'Evaluation',
  importance: 'Importance of fields',
  explanation: 'One request explained',
  replay: 'Replay of a log',
  'position-bias': 'Position bias',
  simulation: 'Simulated users',
  loop: 'Loop',
  experiment: 'Experiment',
  ramp: 'Ramp of an experiment',
  drift: 'Live data against training data',
  folder: 'Results',
  log: 'Event log',
  ask: 'Explain a request',
};
