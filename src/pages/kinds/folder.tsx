/** A folder of results: a line for each, with a link to its page. */
import { timeText } from '../../report/numbers.ts';
import { Name } from '../components/name.tsx';
import { Note, Section } from '../components/section.tsx';
import { type Column, numbers, Table } from '../components/table.tsx';
import type { FolderEntry, FolderPage } from '../page.ts';

export function Folder({ page }: { page: FolderPage }) {
  if (page.entries.length === 0) return null;
  return (
    <Section id="results" title="Results">
      <Table caption="Results in this folder" rows={page.entries} at={['entries']} columns={COLUMNS} />
      <Note>
        AUC is the mean over cells on test rows. The watched value is that of the last epoch, on validation rows.
      </Note>
    </Section>
  );
}

const COLUMNS: Column<FolderEntry>[] = [
  {
    title: 'name',
    isHead: true,
    show: ({ name, href }) =>
      href === null ? (
        <Name of={name} />
      ) : (
        <a href={href}>
          <Name of={name} />
        </a>
      ),
  },
  { title: 'kind', show: ({ kind }) => kind },
  { title: 'state', show: ({ state }) => state },
  { title: 'model', show: ({ model, data }) => (model === null ? '' : <Name of={`${model} on ${data}`} />) },
  numbers('epochs', 'epochs', 'count'),
  numbers('watched', 'monitor', 'metric'),
  numbers('AUC', 'auc', 'metric'),
  { title: 'changed', show: ({ changed }) => timeText(changed) },
];
