import type { Command } from 'commander';
import { oneLine } from '../../../base/one-line.ts';
import { count } from '../../../report/numbers.ts';
import { openArtifact } from '../../../store/artifact/open.ts';
import { helpEnd } from '../../help.ts';
import { jsonOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

export function verify(program: Command): void {
  const verb = program
    .command('verify')
    .summary('check an artifact byte for byte')
    .description(
      'Checks seal, schema, sizes, checksums, links, paths and what the graphs take and give: all that a server checks before ' +
        'it uses an artifact. Says what is wrong, or what the artifact is.',
    )
    .argument('<dir>', 'the artifact')
    .addOption(jsonOption())
    .action(run);
  helpEnd(verb, ['tributary verify artifacts/ml-1m'], ['artifact']);
}

async function run(folder: string, { json }: { json?: boolean }): Promise<void> {
  const { manifest } = await openArtifact(folder);
  const { name, id, created, model, data, graphs, files } = manifest;
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  if (json) {
    const { scenarios, tasks } = data;
    printJson({
      event: 'result',
      folder,
      name,
      id,
      created,
      model: model.key,
      data: data.name,
      scenarios,
      tasks,
      graphs: graphs.length,
      files: Object.keys(files).length,
      bytes,
    });
    return;
  }
  const graphText = graphs.length === 1 ? 'one graph for all scenarios' : `${graphs.length} graphs`;
  print(
    [
      `${folder} is whole: ${name} ${id}, ${model.key} on ${oneLine(data.name)}, made ${created.slice(0, 10)}`,
      `  scenarios  ${data.scenarios.map(oneLine).join(', ')}`,
      `  tasks      ${data.tasks.join(', ')}`,
      `  contents   ${graphText}, ${Object.keys(files).length + 1} files, ${count(bytes)} bytes`,
    ].join('\n'),
  );
}
