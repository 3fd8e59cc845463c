/** `tributary bench device`. */
import { type Command, Option } from 'commander';
import { type DeviceBenchOptions, formatDeviceBench, runDeviceBench } from '../../../bench/index.ts';
import { helpEnd } from '../../help.ts';
import { collect, jsonOption, wholeNumber } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options extends Omit<DeviceBenchOptions, 'batches' | 'vocabulary'> {
  batch: number[];
  vocabulary: number;
  json?: boolean;
}

const numbers = (text: string): number[] => text.split(',').map(wholeNumber(1));

export function addDevice(verb: Command): void {
  const device = verb
    .command('device')
    .summary('time training steps on a GPU, and what its transfers cost')
    .description(
      'Times the steps of a phase on the CPU and on the device, then runs there that only copy as many bytes as a step sends and fetches: ' +
        'their share of the time is what transfers cost. Embedding tables stay in memory, so each step sends the rows of its batch. Rows are synthetic.',
    )
    .addOption(new Option('--device <name>', 'the device').choices(['webgpu', 'cuda', 'cpu']).default('webgpu'))
    .option('--model <key>', 'the model', 'autoifs')
    .option('--preset <name>', "sizes and optimiser of one of the model's presets")
    .option('--phase <name>', 'search or retrain, for example (default: the first)')
    .option(
      '--batch <list>',
      'rows of a step; several are measured one after the other',
      numbers,
      [4096, 16_384, 65_536],
    )
    .option('--vocabulary <n>', 'rows of the embedding table', wholeNumber(1), 100_000)
    .option('--steps <n>', 'steps to time', wholeNumber(1), 10)
    .option('--set <path=value>', 'one option of the run configuration; may be repeated', collect)
    .option('--threads <n>', 'threads of ONNX Runtime on the CPU (default: all cores)', wholeNumber(1))
    .addOption(jsonOption())
    .action(run);
  helpEnd(device, [
    'tributary bench device --preset ml-1m',
    "tributary bench device --preset ml-1m --device cuda --set 'model.mlpDims=[10240,5120,2560]' --json",
  ]);
}

async function run({ batch, vocabulary, json, ...options }: Options): Promise<void> {
  const bench = await runDeviceBench({ ...options, batches: batch, vocabulary: [vocabulary] });
  if (json) printJson({ event: 'result', ...bench });
  else print(formatDeviceBench(bench));
}
