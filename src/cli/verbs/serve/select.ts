import { type Command, InvalidArgumentError } from 'commander';
import type { SelectionDocument } from '../../../documents/selection.ts';
import { numberOf } from '../../../evaluate/index.ts';
import { selectRun } from '../../../export/export.ts';
import type { ServingGraph } from '../../../inference/graphs/serving.ts';
import { selectionText } from '../../../report/selection.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { printSteps } from '../../checkpoint.ts';
import { helpEnd } from '../../help.ts';
import {
  backendOption,
  checkpointOption,
  dataOption,
  deviceOfBackendOption,
  jsonOption,
  RequiredOption,
  unweightedOption,
} from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { type Score, scoreOption } from '../../score.ts';

interface Options {
  out: string;
  epsilon: number;
  budget: number;
  int8?: boolean;
  name?: string;
  score?: Score;
  unweighted?: boolean;
  data?: string;
  checkpoint?: string;
  backend?: SessionOptions['backend'];
  json?: boolean;
}

export function select(program: Command): void {
  const verb = program
    .command('select')
    .summary('make an artifact with a smaller graph for each scenario')
    .description(
      'Leaves out of each scenario what its rows never use: heads and experts of others, flows that are always removed, ' +
        'and the gate network where all gates are constant. Every answer is compared with that of the model before anything is written.',
    )
    .argument('<run>', 'the run folder')
    .addOption(new RequiredOption('--out <dir>', 'the artifact to write, new or empty'))
    .option(
      '--epsilon <rate>',
      'take rates of gates below it for never, and rates above 1 - epsilon for always: changes answers',
      number(0, 0.5),
      0,
    )
    .option('--budget <auc>', 'mean AUC on validation rows that changed answers may cost', number(0, 1), 0.0005)
    .option('--int8', 'store large weights in eight bits: changes answers')
    .option('--name <name>', 'what requests call the model (default: MODEL-DATASET)')
    .addOption(scoreOption())
    .addOption(unweightedOption())
    .addOption(dataOption())
    .addOption(checkpointOption())
    .addOption(backendOption())
    .addOption(deviceOfBackendOption())
    .addOption(jsonOption())
    .action(selected);
  helpEnd(
    verb,
    [
      'tributary select runs/autoifs-ml-1m-1 --out artifacts/ml-1m',
      'tributary select runs/autoifs-ml-1m-1 --out artifacts/ml-1m-small --epsilon 0.01 --budget 0.0002',
      "tributary select runs/autoifs-shop-1 --out artifacts/shop --score 'click * 0.3 + buy' --score 'search=click'",
    ],
    ['data', 'artifact'],
  );
}

/** A number in [min, limit). */
const number =
  (min: number, limit: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= min && value < limit))
      throw new InvalidArgumentError(`Expected a number in [${min}, ${limit}).`);
    return value;
  };

async function selected(run: string, { json, ...options }: Options): Promise<void> {
  const started = performance.now();
  const { selection, exported } = await selectRun(run, { ...options, onEvent: printSteps(run, json) });
  const { graphs, proof, unseen, ...record } = selection;
  const { name, id, score, data } = exported.manifest;
  const size = ({ scenario, multiplyAdds, parameters, bytes, tables }: ServingGraph) => ({
    ...(scenario !== undefined && { scenario: data.scenarios[scenario] }),
    multiplyAdds,
    parameters,
    bytes: bytes.length,
    tables,
  });
  const document: SelectionDocument = {
    schema: 'selection/1',
    run,
    out: options.out,
    seconds: (performance.now() - started) / 1000,
    name,
    id,
    ...record,
    score,
    loss: proof.loss,
    calibrationError: [proof, unseen].map(({ before, after }) => ({
      before: numberOf(before.macro.calibrationError),
      after: numberOf(after.macro.calibrationError),
    })),
    graphs: { before: size(graphs.before), joint: size(graphs.joint), scenarios: graphs.scenarios.map(size) },
  };
  if (json) printJson({ event: 'result', ...document });
  else print(selectionText(document));
}
