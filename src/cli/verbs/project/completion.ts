import { Argument, type Command } from 'commander';
import { helpEnd } from '../../help.ts';
import { print } from '../../output.ts';

export function completion(program: Command): void {
  const verb = program
    .command('completion')
    .summary('print a completion script for bash or zsh')
    .description('Prints a script that completes verbs and options; other words complete as files.')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh']))
    .action((shell: 'bash' | 'zsh') => print(script(program, shell)));
  helpEnd(verb, ['source <(tributary completion bash)', 'source <(tributary completion zsh)']);
}

/** zsh reads bash's completions. */
function script(program: Command, shell: 'bash' | 'zsh'): string {
  const verbs = program.commands.map((command) => command.name());
  const cases = program.commands.map(
    (command) => `    ${command.name()}) words="${[...wordsOf(command)].join(' ')}" ;;`,
  );
  const setUp = shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : '';
  return `${setUp}_tributary() {
  local words
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="${verbs.join(' ')} --help --version" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _tributary tributary`;
}

/** What may follow a verb: its own verbs, its options and theirs. */
const wordsOf = (command: Command): Set<string> =>
  new Set([
    ...command.commands.flatMap((inner) => [inner.name(), ...wordsOf(inner)]),
    ...command.options.flatMap(({ long }) => long ?? []),
    '--help',
  ]);
