/** What each field is worth to a model: the mean over cells first, then cell by cell. */
import type { ImportanceFeature } from '../../documents/diagnose/importance.ts';
import { Forest } from '../components/forest.tsx';
import { Folded, Note, Section } from '../components/section.tsx';
import { type Column, numbers, Table, texts } from '../components/table.tsx';
import { Estimate } from '../components/value.tsx';
import type { ImportancePage } from '../page.ts';

/** `prefix`: of the ids of its sections, on a page that has others. */
export function Importance({ page, prefix = '' }: { page: Pick<ImportancePage, 'importance'>; prefix?: string }) {
  const { features, cells, groups, repeats } = page.importance;
  const at = ['importance', 'features'];
  return (
    <>
      <Section id={`${prefix}fields`} title="Which fields does the model need?">
        <Forest
          label="AUC lost when the values of a field are shuffled"
          unit="AUC lost, mean over cells"
          zero
          rows={features.flatMap(({ name, aucLoss }, i) => {
            const own = [...at, i, 'aucLoss'];
            return aucLoss === null
              ? []
              : [{ name, value: [...own, 'value'], low: [...own, 'low'], high: [...own, 'high'] }];
          })}
        />
        <Note>
          Values are shuffled among validation rows of the same scenario, {repeats} times. Above 0 the model needs the
          field; 95 % intervals take {groups.of}s as independent.
        </Note>
        <Table caption="Means over the cells that count" rows={features} at={at} columns={COLUMNS} />
      </Section>
      <Section id={`${prefix}cells`} title="Which fields does each cell need?">
        <Table
          caption="AUC lost in each cell when the values of a field are shuffled"
          rows={features}
          at={at}
          columns={[
            texts('field', 'name'),
            ...cells.map(
              ({ scenario, task }, c): Column<ImportanceFeature> => ({
                title: `${scenario}, ${task}`,
                isNumber: true,
                show: (feature, own) =>
                  feature.cells[c].aucLoss === null ? '–' : <Estimate at={[...own, 'cells', c, 'aucLoss']} />,
              }),
            ),
          ]}
        />
        <Note>▲ the cell needs the field, ▼ it is better without, ◇ the interval contains 0.</Note>
        <Folded title={`AUC and rows of the ${cells.length} cells`}>
          <Table
            caption="Validation rows as they are"
            rows={cells}
            at={['importance', 'cells']}
            columns={[
              texts('scenario', 'scenario'),
              texts('task', 'task'),
              numbers('AUC', 'auc', 'metric'),
              numbers('rows', 'rows', 'count'),
              numbers('positives', 'positives', 'count'),
              { title: 'in means', show: ({ counts }) => (counts ? 'yes' : 'no') },
            ]}
          />
        </Folded>
      </Section>
    </>
  );
}

const effect = (title: string, key: 'aucLoss' | 'loglossGain'): Column<ImportanceFeature> => ({
  title,
  unit: '95 % interval',
  isNumber: true,
  show: (feature, at) => (feature[key] === null ? '–' : <Estimate at={[...at, key]} hasSign={false} />),
});

const COLUMNS: Column<ImportanceFeature>[] = [
  texts('field', 'name'),
  { title: 'kind', show: ({ kind, members }) => (members === undefined ? kind : `${kind}: ${members.join(', ')}`) },
  effect('AUC lost', 'aucLoss'),
  effect('log loss gained', 'loglossGain'),
  { title: '', show: ({ varies }) => (varies ? '' : 'one value in each scenario: nothing can be shuffled') },
];
