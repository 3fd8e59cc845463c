/** What sharing does to a trained model: its logits against the labels, on validation rows. */
import type { TransferDocument } from '../../documents/transfer.ts';
import { type LabelTestOptions, testTransfer } from '../../flows/index.ts';
import { openRunData } from '../../inference/model/run-data.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { openRun } from '../../store/run/run-folder.ts';
import { sampledLogits } from './sampled-logits.ts';

/**
 * @throws RUN_OTHER_DATASET where one of the runs was trained on other data
 * @param where.data folder of the prepared data set, if it is not the one that the run recorded
 * @param where.against another run on the same data, such as one of a model that shares less
 */
export async function testModelTransfer(
  run: string,
  options: LabelTestOptions,
  where: { data?: string; against?: string } & Pick<SessionOptions, 'backend'> = {},
): Promise<TransferDocument> {
  const data = await openRunData(run, openRun(run), where.data);
  const { against, backend } = where;
  if (against !== undefined) await openRunData(against, openRun(against), data.folder);
  return testTransfer(data, options, async ({ rows: { rows } }) => {
    const logits = (of: string): Promise<Float32Array> =>
      sampledLogits(of, data, { rows, seed: options.seed, backend });
    return {
      run,
      logits: await logits(run),
      ...(against !== undefined && { against: { run: against, logits: await logits(against) } }),
    };
  });
}
