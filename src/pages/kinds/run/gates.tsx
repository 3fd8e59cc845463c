/** What the gates of a model let through while they learned: for each cell a line per flow or expert. */
import { Legend } from '../../components/palette.tsx';
import { cellNames, Figures, Folded, Note, Section } from '../../components/section.tsx';
import { Shares } from '../../components/shares.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Num } from '../../components/value.tsx';
import type { RunPage } from '../../page.ts';

export function Gates({ page: { epochs, cells, gateNames } }: { page: RunPage }) {
  if (gateNames.length === 0) return null;
  // Gates learn from the first epoch on, and may be frozen later.
  const known = epochs.slice(0, epochs.findLastIndex(({ gates }) => gates !== undefined) + 1);
  return (
    <Section id="gates-by-epoch" title="What gates let through, by epoch">
      <Legend names={gateNames} />
      <Figures
        size="curves"
        of={cells}
        names={cellNames}
        show={({ scenario, task }, c) => (
          <Shares
            label={`Gates of ${scenario}, ${task} by epoch`}
            series={gateNames.map((_, n) => known.map((_, i) => ['epochs', i, 'gates', c, n]))}
          />
        )}
      />
      <Note>
        Means over the validation rows of a scenario, from 0 (bottom line) to 1 (top line); one point for each epoch in
        which the gates learn.
      </Note>
      <Folded title={`Table of ${known.length} epochs and ${cells.length} cells`}>
        {gateNames.map((name, n) => (
          <Table
            key={name}
            caption={name}
            rows={known}
            at={['epochs']}
            columns={[
              { title: 'phase', isHead: true, show: ({ phase }) => phase },
              { title: 'epoch', isNumber: true, show: (_, at) => <Num at={[...at, 'epoch']} as="count" /> },
              ...cells.map(
                ({ scenario, task }, c): Column<RunPage['epochs'][number]> => ({
                  title: `${scenario}, ${task}`,
                  isNumber: true,
                  show: ({ gates }, at) =>
                    gates === undefined ? '–' : <Num at={[...at, 'gates', c, n]} as="percent" />,
                }),
              ),
            ]}
          />
        ))}
      </Folded>
    </Section>
  );
}
