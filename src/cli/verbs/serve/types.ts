import type { Command } from 'commander';
import { helpEnd } from '../../help.ts';

export function types(program: Command): void {
  const verb = program
    .command('types')
    .summary('print TypeScript types of requests and answers')
    .description(
      "Prints the types of an artifact's requests and answers as a TypeScript module: its fields, scenarios and tasks.",
    )
    .argument('<artifact>', 'the folder of the artifact')
    .action(run);
  helpEnd(verb, ['tributary types artifacts/shop > ranking.d.ts'], ['artifact']);
}

async function run(folder: string): Promise<void> {
  const { openArtifact } = await import('../../../store/artifact/open.ts');
  const { typesOf } = await import('../../../serve/ranker/types.ts');
  process.stdout.write(typesOf((await openArtifact(folder)).manifest));
}
