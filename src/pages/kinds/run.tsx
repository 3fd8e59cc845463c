/** A training run: where the model wins or loses first, then how the training went. */
import { Grid } from '../components/grid.tsx';
import { Note, Section } from '../components/section.tsx';
import { Num } from '../components/value.tsx';
import type { RunPage } from '../page.ts';
import { Training } from './run-training.tsx';

export function Run({ page }: { page: RunPage }) {
  return (
    <>
      {page.result && <Cells page={page} />}
      <Training page={page} />
    </>
  );
}

function Cells({ page }: { page: RunPage }) {
  const { cells } = page.result!.test;
  return (
    <Section id="cells" title="Where the model wins or loses">
      <Grid
        caption="AUC of each cell on the test rows"
        cells={cells}
        show={(_, i) => {
          const at = ['result', 'test', 'cells', i];
          return (
            <>
              <strong>
                <Num at={[...at, 'auc']} as="metric" why={cells[i].reasons?.auc} />
              </strong>
              <small>
                <Num at={[...at, 'rows']} as="count" /> rows, <Num at={[...at, 'positives']} as="count" /> positives
              </small>
            </>
          );
        }}
      />
      <Note>AUC: the chance that a positive row of the cell ranks above a negative one; ties count one half.</Note>
    </Section>
  );
}
