import type { Command } from 'commander';
import { exportWeights } from '../../train/exchange.ts';
import { helpEnd } from '../help.ts';
import { RequiredOption } from '../options.ts';
import { count, print } from '../output.ts';

export function exportVerb(program: Command): void {
  const verb = program
    .command('export')
    .summary("write a run's weights with the names of the model's published implementation")
    .description("Writes every tensor with its authors' name, shape and order: what `tributary import` reads.")
    .argument('<run>', 'a finished run folder')
    .addOption(new RequiredOption('--weights <file>', 'the safetensors file to write'))
    .action((run: string, { weights }: { weights: string }) => {
      const { tensors, bytes } = exportWeights(run, weights);
      print(`wrote ${tensors} tensors, ${count(bytes)} bytes, to ${weights}`);
    });
  helpEnd(verb, ['tributary export runs/autoifs-ml-1m-1 --weights autoifs.safetensors'], ['artifact']);
}
