import { type Command, Option } from 'commander';
import { error, TributaryError } from '../../../base/errors/index.ts';
import { IMPORTANCE, measureImportance } from '../../../diagnose/importance/importance.ts';
import type { ImportanceDocument } from '../../../documents/diagnose/importance.ts';
import { importanceMarkdown, importanceText } from '../../../report/diagnose/importance.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { keepImportance } from '../../../store/run/run-folder.ts';
import { checkpointNote } from '../../checkpoint.ts';
import { helpEnd } from '../../help.ts';
import {
  backendOption,
  checkpointOption,
  collect,
  dataOption,
  deviceOfBackendOption,
  jsonOption,
  rowsOption,
  seedOption,
  wholeNumber,
} from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  fields?: string[];
  group?: string[];
  repeats: number;
  rows: number;
  seed: number;
  data?: string;
  checkpoint?: string;
  backend?: SessionOptions['backend'];
  markdown?: boolean;
  json?: boolean;
}

export function importance(program: Command): void {
  const verb = program
    .command('importance')
    .summary('measure what each field is worth to a run')
    .description(
      'Shuffles the values of one field at a time among the validation rows of each scenario, and says per scenario and task how ' +
        'much AUC is lost and how much log loss is gained, with intervals. Multi-value fields and sequences are shuffled as a whole.',
    )
    .argument('<run>', 'the run folder')
    .addOption(
      new Option(
        '--fields <names>',
        'measure these fields, such as age,city (default: all that are in no group)',
      ).argParser(names),
    )
    .addOption(
      new Option(
        '--group <name=fields>',
        'shuffle these fields together, such as item=brand,price; repeatable',
      ).argParser(collect),
    )
    .addOption(
      new Option('--repeats <n>', 'shuffles of each field').argParser(wholeNumber(1)).default(IMPORTANCE.repeats),
    )
    .addOption(rowsOption('validation rows to draw').default(IMPORTANCE.rows))
    .addOption(seedOption('seed of the draw and of the shuffles').default(IMPORTANCE.seed))
    .addOption(dataOption())
    .addOption(checkpointOption())
    .addOption(backendOption())
    .addOption(deviceOfBackendOption())
    .option('--markdown', 'write a page of Markdown')
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary importance runs/mmoe-shop-1',
      'tributary importance runs/mmoe-shop-1 --group item=item_id,brand,price --repeats 10 --json',
    ],
    ['data', 'artifact'],
  );
}

async function run(folder: string, { json, markdown, group = [], ...options }: Options): Promise<void> {
  const onEvent = checkpointNote(folder, json);
  const groups = group.map(groupOf);
  const document = await measureImportance(folder, { ...options, groups, onEvent });
  if (options.checkpoint === undefined) keep(folder, document, json);
  if (json) printJson({ event: 'result', ...document });
  else print(markdown ? importanceMarkdown(document) : importanceText(document));
}

/** For the page of the run. A folder that cannot be written is no reason to lose the result. */
function keep(folder: string, document: ImportanceDocument, json: boolean | undefined): void {
  try {
    keepImportance(folder, document);
  } catch (cause) {
    if (!(cause instanceof TributaryError)) throw cause;
    const message = `the result is not kept in the run folder: ${cause.message}`;
    if (json) printJson({ event: 'warning', message });
    else print(`warning: ${message}`);
  }
}

const names = (text: string): string[] => text.split(',').filter((name) => name !== '');

function groupOf(text: string): { name: string; members: string[] } {
  const [, name = '', members = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (names(members).length > 0) return { name, members: names(members) };
  const problem = `--group ${text}: expected a name and fields, as item=brand,price`;
  throw error('USAGE', { problem, command: 'tributary importance' });
}
