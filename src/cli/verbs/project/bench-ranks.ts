/** Parts of `tributary bench` that are about ranks. */
import { type Command, Option } from 'commander';
import { formatCommBench, formatScaling, runCommBench } from '../../../bench/index.ts';
import { helpEnd } from '../../help.ts';
import { jsonOption, number, RequiredOption, wholeNumber } from '../../options.ts';
import { print, printJson } from '../../output.ts';

const numbers = (text: string): number[] => text.split(',').map(wholeNumber(1));

export function addComm(verb: Command): void {
  const comm = verb
    .command('comm')
    .summary('time how fast ranks exchange numbers')
    .description(
      'Times sums over ranks and exchanges among them, by size: run it by the launcher that will start the training, like `mpirun -np 8 tributary bench comm`. ' +
        'A time is that of the slowest rank: the median over calls, and the fastest call. GB/s counts what one rank sends to others in the fastest call; what it receives comes at the same time.',
    )
    .option('--sizes <list>', 'bytes of the values (default: from 4 to 16 MiB)', numbers)
    .option('--calls <n>', 'calls of each size', wholeNumber(1), 50)
    .addOption(jsonOption())
    .action(runComm);
  helpEnd(comm, ['tributary bench comm --calls 100', 'tributary bench comm --sizes 4096,1048576 --json']);
}

export function addRanks(verb: Command): void {
  const ranks = verb
    .command('ranks')
    .summary('predict what more ranks would bring')
    .description(
      'Computes, for 1 to 64 ranks, what one rank sends in a step and how long the step takes, by the model of docs/scale.md. ' +
        'Nothing is run: times come from `bench train`, those of the network from `bench comm`. Table rows are drawn uniformly; skewed data send less.',
    )
    .addOption(new RequiredOption('--step-ms <n>', 'time of a step on one rank').argParser(number(0.001)))
    .option('--update-ms <n>', 'part of it that is updates', number(0), 0)
    .addOption(
      new Option('--tables <kind>', 'does each rank hold whole tables, or its share of the rows (train.tables)?')
        .choices(['replicated', 'sharded'])
        .default('replicated'),
    )
    .option('--batch <n>', 'rows of a batch', wholeNumber(1), 4096)
    .option('--fields <n>', 'fields of a row', wholeNumber(1), 20)
    .option('--dimension <n>', 'embedding dimension', wholeNumber(1), 16)
    .option('--vocabulary <n>', 'rows of the embedding table', wholeNumber(1), 1_000_000)
    .option('--dense <n>', 'dense parameters', wholeNumber(1), 1_000_000)
    .option('--gigabytes <n>', 'what a rank sends in a second, in GB (10 Gbit Ethernet: 1.25)', number(0.001), 1.25)
    .option('--latency-us <n>', 'time of a message between two ranks', number(0), 30)
    .action(runRanks);
  const example = 'tributary bench ranks --step-ms 190 --update-ms 19 --vocabulary 20000000 --dense 800000';
  helpEnd(ranks, [example, `${example} --tables sharded`]);
}

interface RanksOptions {
  stepMs: number;
  updateMs: number;
  batch: number;
  fields: number;
  dimension: number;
  vocabulary: number;
  dense: number;
  tables: 'replicated' | 'sharded';
  gigabytes: number;
  latencyUs: number;
}

function runRanks({ batch, fields, dimension, vocabulary, dense, tables, ...o }: RanksOptions): void {
  const sizes = { tables, batch, fields, dimension, tableRows: vocabulary, denseParameters: dense };
  const { stepMs, updateMs, gigabytes, latencyUs } = o;
  print(formatScaling(sizes, { stepMs, updateMs, gigabytesPerSecond: gigabytes, latencyUs }));
}

async function runComm({ json, ...options }: { sizes?: number[]; calls: number; json?: boolean }): Promise<void> {
  const bench = await runCommBench(options);
  if (json) printJson({ event: 'result', ...bench });
  else print(formatCommBench(bench));
}
