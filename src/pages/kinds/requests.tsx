/** Requests of a log with links to explanations of them, and the form in which one is pasted. */
import { Name } from '../components/name.tsx';
import { Section } from '../components/section.tsx';
import { type Column, numbers, Table, texts } from '../components/table.tsx';
import type { AskPage, LogPage, RequestEntry } from '../page.ts';

export const Log = ({ page: { requests } }: { page: LogPage }) =>
  requests.length === 0 ? null : (
    <Section id="requests" title="The newest requests">
      <Requests requests={requests} />
    </Section>
  );

export const Ask = ({ page: { action, text, problem, requests } }: { page: AskPage }) => (
  <>
    <Section id="paste" title="Paste a request">
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <form method="post" action={action}>
        <label for="request">A request, as JSON</label>
        <textarea id="request" name="request" rows={18} spellcheck={false} required defaultValue={text} />
        <button type="submit">Explain</button>
      </form>
    </Section>
    {requests.length > 0 && (
      <Section id="requests" title="Or pick one that was answered">
        <Requests requests={requests} />
      </Section>
    )}
  </>
);

const Requests = ({ requests }: { requests: readonly RequestEntry[] }) => (
  <Table caption="Answered requests, the newest first" rows={requests} at={['requests']} columns={COLUMNS} />
);

const COLUMNS: Column<RequestEntry>[] = [
  texts('request', 'id'),
  {
    title: 'explain by',
    show: ({ links }) =>
      links.map(({ href, text }) => (
        <span key={href} class="line">
          <a href={href}>
            <Name of={text} />
          </a>
        </span>
      )),
  },
  { title: 'answered', show: ({ time }) => `${time.slice(0, 19).replace('T', ' ')} UTC` },
  { title: 'scenario', show: ({ scenario }) => <Name of={scenario} /> },
  { title: 'model', show: ({ model }) => <Name of={model} /> },
  numbers('candidates', 'candidates', 'count'),
  { title: 'first item', show: ({ first }) => (first === null ? '–' : <Name of={first} />) },
  numbers('its score', 'score', 'metric'),
  { title: 'log', show: ({ log }) => <Name of={log} /> },
];
