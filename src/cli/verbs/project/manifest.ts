import type { Command } from 'commander';
import { writeFileAtomic } from '../../../base/files.ts';
import { type JobOptions, mpiJob, trainJob } from '../../../comm/manifest.ts';
import { helpEnd } from '../../help.ts';
import { RequiredOption, wholeNumber } from '../../options.ts';
import { print } from '../../output.ts';
import { checkOverRanks } from '../../process/ranks.ts';

interface Options extends Omit<JobOptions, 'nodes' | 'command'> {
  ranks: number;
  out?: string;
}

export function manifest(program: Command): void {
  const verb = program
    .command('manifest')
    .summary('write a job of Kubernetes that runs a verb over ranks')
    .description('Writes YAML for `kubectl apply`. What the image must have: docs/scale.md.');
  add(verb, 'trainjob', 'a TrainJob of Kubeflow Trainer v2, and the TrainingRuntime that it runs on', trainJob);
  add(verb, 'mpijob', 'an MPIJob (v2beta1) of the MPI operator', mpiJob);
}

function add(parent: Command, kind: string, summary: string, objects: (options: JobOptions) => object[]): void {
  const verb = parent
    .command(kind)
    .summary(summary)
    .description(`Writes ${summary}.`)
    .argument('<command...>', 'after --: the verb that runs over ranks, and its options')
    .addOption(new RequiredOption('--image <name>', 'the image of all pods'))
    .addOption(new RequiredOption('--ranks <n>', 'how many processes').argParser(wholeNumber(1)))
    .option('--per-node <n>', 'ranks of each pod', wholeNumber(1), 1)
    .option('--cpu <amount>', 'cores of each pod that runs ranks, like 4 or 500m')
    .option('--memory <amount>', 'memory of each pod that runs ranks, like 16Gi')
    .option('--name <name>', 'the name of the objects', 'tributary')
    .option('--namespace <name>', 'their namespace (default: that of kubectl)')
    .option('--out <file>', 'write to this file instead of stdout')
    .action((words: string[], options: Options) => run(verb, words, options, objects));
  helpEnd(verb, [
    `tributary manifest ${kind} --image registry/tributary-mpi --ranks 4 --cpu 4 --memory 16Gi -- bench comm`,
    `tributary manifest ${kind} --image registry/tributary-mpi --ranks 8 --per-node 2 --out job.yaml -- bench comm`,
  ]);
}

async function run(
  verb: Command,
  command: string[],
  { ranks, perNode, out, ...options }: Options,
  objects: (options: JobOptions) => object[],
): Promise<void> {
  checkOverRanks(command.slice(0, command[0] === 'bench' ? 2 : 1).join(' '), ranks);
  check(verb, ranks, { perNode, ...options });
  const { stringify } = await import('yaml');
  const all = objects({ ...options, perNode, nodes: ranks / perNode, command });
  const text = all.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n');
  if (out === undefined) print(text.trimEnd());
  else writeFileAtomic(out, text);
}

/** What Kubernetes would refuse, or only find out later. */
function check(verb: Command, ranks: number, { perNode, name, cpu, memory }: Omit<Options, 'ranks'>): void {
  if (ranks % perNode !== 0) verb.error(`--ranks ${ranks} is no multiple of --per-node ${perNode}`);
  if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
    verb.error(`--name "${name}": expected at most 63 of a-z, 0-9 and -, from a letter to a letter or digit`);
  for (const [option, amount] of Object.entries({ '--cpu': cpu, '--memory': memory }))
    if (amount !== undefined && !QUANTITY.test(amount))
      verb.error(`${option} "${amount}": expected an amount of Kubernetes, like 4, 500m or 16Gi`);
}

/** Numbers of Kubernetes: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const QUANTITY = /^\d+(\.\d*)?(([KMGTPE]i)|[mkMGTPE]|[eE][+-]?\d+)?$/;
