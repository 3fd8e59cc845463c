/** How the trainings of a comparison went: validation by epoch of each model, as a band over its seeds. */
import { Band } from '../../components/band.tsx';
import { Figures, Folded, Note, Section } from '../../components/section.tsx';
import { numbers, Table } from '../../components/table.tsx';
import type { Path } from '../../components/value.tsx';
import type { ShownDataset } from '../../page.ts';

export function Courses({ models, at, d, of }: { models: ShownDataset['models']; at: Path; d: number; of: string }) {
  const known = models.flatMap(({ model, curve = [], bestEpochs = [] }, m) =>
    curve.length === 0 ? [] : [{ model, curve, bestEpochs, at: [...at, m, 'curve'] }],
  );
  if (known.length === 0) return null;
  return (
    <Section id={`courses-${d}`} title={`How the trainings went${of}`}>
      <Figures
        size="curves"
        of={known}
        names={({ model }) => [model]}
        show={({ model, curve, bestEpochs, at: own }) => (
          <Band
            label={`Mean AUC of ${model} on validation rows by epoch, over its seeds`}
            points={curve}
            at={own}
            best={bestEpochs}
          />
        )}
      />
      <Note>
        Mean AUC on validation rows by epoch of the last phase: the line is the mean over the seeds that came so far,
        bars go from the lowest to the highest of them. Each model has its own scale, written below; triangles are the
        epochs whose weights were kept, one for each seed.
      </Note>
      <Folded title="Tables of all epochs">
        {known.map(({ model, curve, at: own }) => (
          <Table
            key={model}
            caption={`${model}: mean AUC on validation rows`}
            rows={curve}
            at={own}
            columns={[
              numbers('epoch', 'epoch', 'count'),
              numbers('seeds', 'n', 'count'),
              numbers('mean', 'mean', 'metric'),
              numbers('lowest', 'lowest', 'metric'),
              numbers('highest', 'highest', 'metric'),
            ]}
          />
        ))}
      </Folded>
    </Section>
  );
}
