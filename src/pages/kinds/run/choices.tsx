/** How often the rows of each scenario use each expert that a model chooses from. */
import type { ChoiceCounts } from '../../../documents/parts.ts';
import { Note } from '../../components/section.tsx';
import { type Column, named, Table } from '../../components/table.tsx';
import { Num } from '../../components/value.tsx';

export function Choices({ choices, scenarios }: { choices: ChoiceCounts; scenarios: readonly string[] }) {
  return (
    <>
      {Object.entries(choices.chosen).map(([name, counts]) => (
        <Table
          key={name}
          caption={`${name}: test rows of a scenario that use an expert`}
          rows={counts.map((experts, s) => ({ experts, s }))}
          at={['result', 'choices', 'chosen', name]}
          columns={[
            named<Line>('scenario', ({ s }) => scenarios[s]),
            ...(counts[0] ?? []).map(
              (_, e): Column<Line> => ({
                title: `expert ${e + 1}`,
                isNumber: true,
                show: (_row, at) => <Num at={[...at, e]} as="count" />,
              }),
            ),
            {
              title: 'all rows',
              isNumber: true,
              show: ({ s }) => <Num at={['result', 'choices', 'rows', s]} as="count" />,
            },
          ]}
        />
      ))}
      <Note>A row may use several experts.</Note>
    </>
  );
}

interface Line {
  experts: readonly number[];
  s: number;
}
