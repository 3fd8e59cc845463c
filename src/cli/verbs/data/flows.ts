import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { SplitName } from '../../../config/dataset.ts';
import { openPrepared } from '../../../data/prepared/open.ts';
import type { FlowRatesDocument } from '../../../documents/flow-rates.ts';
import { type FlowReport, measureFlows } from '../../../export/select/flows.ts';
import { testModel } from '../../../export/select/model-flows.ts';
import { FLOW_TEST, flowOptions, testLabels } from '../../../flows/index.ts';
import { flowRatesText } from '../../../report/flow-rates.ts';
import { flowTestText } from '../../../report/flows.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { checkpointNote } from '../../checkpoint.ts';
import { helpEnd } from '../../help.ts';
import {
  backendOption,
  checkpointOption,
  dataOption,
  deviceOfBackendOption,
  jsonOption,
  rowsOption,
  seedOption,
} from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  split: SplitName;
  data?: string;
  checkpoint?: string;
  backend?: SessionOptions['backend'];
  json?: boolean;
  test?: boolean;
  pairs?: boolean;
  rows: number;
  seed: number;
}

export function flows(program: Command): void {
  const verb = program
    .command('flows')
    .summary('show which flows reach which tasks, and which experts rows use')
    .description(
      'Prints, per scenario and task, for which share of the rows each information flow is kept; for models that choose ' +
        'experts, how often each is chosen. What is always or never so can be left out: see `select`. With --test, says instead ' +
        'which flows the labels hold in each cell: useful, useless or undecided, with what it costs on validation rows to ' +
        'leave a flow out.',
    )
    .argument('<folder>', 'the run folder; with --test also a prepared data set')
    .option('--test', 'test which flows the labels of a prepared data set hold, or which a model uses')
    .option('--pairs', 'with --test: add products of two fields')
    .addOption(rowsOption('with --test: rows to draw').default(FLOW_TEST.rows))
    .addOption(seedOption('with --test: seed of the draw').default(1))
    .addOption(
      new Option('--split <name>', 'rows to measure on').choices(['train', 'validation', 'test']).default('validation'),
    )
    .addOption(dataOption())
    .addOption(checkpointOption())
    .addOption(backendOption())
    .addOption(deviceOfBackendOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary flows --test data/shop',
      'tributary flows --test runs/autoifs-ml-1m-1',
      'tributary flows runs/autoifs-ml-1m-1 --split train --json',
    ],
    ['data', 'artifact'],
  );
}

async function run(folder: string, options: Options): Promise<void> {
  if (options.test) return testFlows(folder, options);
  const { split, json, data, checkpoint, backend } = options;
  const where = { data, checkpoint, backend, onEvent: checkpointNote(folder, json) };
  const rates = ratesOf(folder, await measureFlows(folder, split, where));
  if (!json) return print(flowRatesText(rates));
  for (const line of rates.flows) printJson({ event: 'flow', ...line });
  for (const line of rates.choices) printJson({ event: 'choice', ...line });
  printJson({ event: 'result', ...rates });
}

function ratesOf(
  run: string,
  { data, split, scenarios, tasks, flows, rows, kept, chosen }: FlowReport,
): FlowRatesDocument {
  const rate = (part: number, s: number): number | null => (rows[s] === 0 ? null : part / rows[s]);
  return {
    schema: 'flow-rates/1',
    run,
    data,
    split,
    rows: rows.reduce((sum, n) => sum + n, 0),
    flows: scenarios.flatMap((scenario, s) =>
      tasks.flatMap((task, t) =>
        flows.map((flow, k) => {
          const part = kept[s][t][k];
          return { scenario, task, flow, kept: part, rows: rows[s], rate: rate(part, s) };
        }),
      ),
    ),
    choices: Object.entries(chosen).flatMap(([choice, counts]) =>
      scenarios.flatMap((scenario, s) =>
        counts[s].map((part, expert) => ({
          scenario,
          choice,
          expert,
          chosen: part,
          rows: rows[s],
          rate: rate(part, s),
        })),
      ),
    ),
  };
}

/** Tests the labels of a prepared data set, or the model of a run. */
async function testFlows(folder: string, options: Options): Promise<void> {
  const { json, pairs = false, rows, seed, data, backend } = options;
  const analysis = { ...flowOptions.parse({ pairs }), rows, seed };
  const document = isPreparedFolder(folder)
    ? await testLabels(await openPrepared(folder), { ...FLOW_TEST, ...analysis })
    : await testModel(folder, analysis, { data, backend });
  if (json) printJson({ event: 'result', ...document });
  else print(flowTestText(document));
}

/** A prepared data set has a manifest, a run has none. */
const isPreparedFolder = (folder: string): boolean => existsSync(join(folder, 'manifest.json'));
