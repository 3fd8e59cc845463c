import type { Command } from 'commander';
import { hasManifest } from '../../../data/prepared/manifest.ts';
import { openPrepared } from '../../../data/prepared/open.ts';
import { testModelTransfer } from '../../../export/select/model-transfer.ts';
import { FLOW_TEST, flowOptions, testTransfer } from '../../../flows/index.ts';
import { transferMarkdown, transferText } from '../../../report/transfer.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { helpEnd } from '../../help.ts';
import { backendOption, dataOption, deviceOfBackendOption, jsonOption, rowsOption, seedOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  against?: string;
  data?: string;
  backend?: SessionOptions['backend'];
  json?: boolean;
  markdown?: boolean;
  pairs?: boolean;
  rows: number;
  seed: number;
}

export function transfer(program: Command): void {
  const verb = program
    .command('transfer')
    .summary('measure what each scenario and task gains or loses by sharing')
    .description(
      'Says per scenario and task what it is worth to learn from the others, with intervals from validation rows, and where a ' +
        'model lets a flow through that the labels of the cell do not carry (negative transfer), with its cost. Given a ' +
        'prepared data set, the model is an additive one that shares everything, learned in seconds.',
    )
    .argument('<folder>', 'a run folder, or a prepared data set')
    .option('--against <run>', 'compare the run with another one on the same data, such as one that shares less')
    .option('--pairs', 'add products of two fields')
    .addOption(rowsOption('training rows to draw').default(FLOW_TEST.rows))
    .addOption(seedOption('seed of the draw').default(1))
    .option('--markdown', 'write a page of Markdown')
    .addOption(dataOption())
    .addOption(backendOption())
    .addOption(deviceOfBackendOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    ['tributary transfer data/shop', 'tributary transfer runs/mmoe-shop-1 --against runs/single-task-shop-1'],
    ['data', 'artifact'],
  );
}

async function run(folder: string, options: Options, verb: Command): Promise<void> {
  const { json, markdown, pairs = false, rows, seed, data, against, backend } = options;
  const analysis = { ...FLOW_TEST, ...flowOptions.parse({ pairs }), rows, seed };
  const isData = hasManifest(folder);
  if (isData && against !== undefined)
    verb.error(`--against compares two runs, and ${folder} is a prepared data set: name a run`);
  const document = isData
    ? await testTransfer(await openPrepared(folder), analysis)
    : await testModelTransfer(folder, analysis, { data, against, backend });
  if (json) printJson({ event: 'result', ...document });
  else print(markdown ? transferMarkdown(document) : transferText(document));
}
