import { type Command, Option } from 'commander';
import { error } from '../../../base/errors/index.ts';
import { readText, writeFileAtomic } from '../../../base/files.ts';
import { EXPLAIN } from '../../../diagnose/explain/defaults.ts';
import type { ExplanationDocument } from '../../../documents/diagnose/explanation.ts';
import { explanationText } from '../../../report/diagnose/explanation.ts';
import { count } from '../../../report/numbers.ts';
import { LOG, withLog } from '../../event-log.ts';
import { helpEnd } from '../../help.ts';
import { collect, jsonOption, seedOption, wholeNumber } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  request?: string;
  log?: string;
  requestId?: string;
  top: number;
  item?: string[];
  pairs: number;
  seed: number;
  config?: string;
  out?: string;
  json?: boolean;
}

export function explain(program: Command): void {
  const verb = program
    .command('explain')
    .summary('say why one request is answered as it is')
    .description(
      'Ranks the candidates of one request as a service would, and says what each score is made of: probabilities before and after ' +
        'calibration, what each field brings to an item and to the lead of the first one, and the flows in force. The request comes ' +
        'from a file, as it is sent to /v1/rank, or from an event log. See docs/diagnose.md.',
    )
    .argument('<artifact>', 'the artifact folder')
    .option('--request <file>', 'a file with the request, as JSON')
    .option('--log <log>', `a log that has the request: ${LOG}`)
    .option('--request-id <id>', 'which request of the log (default: the last one)')
    .addOption(
      new Option('--top <n>', 'explain the fields of the first n items').argParser(wholeNumber(1)).default(EXPLAIN.top),
    )
    .option('--item <id>', 'explain the fields of this item, too; may be repeated', collect)
    .addOption(
      new Option('--pairs <n>', 'pairs of orders of the fields to draw, where there are more than 10 fields')
        .argParser(wholeNumber(2))
        .default(EXPLAIN.pairs),
    )
    .addOption(seedOption('seed of the orders').default(EXPLAIN.seed))
    .option('--config <file>', 'the serving configuration, for its score expressions and tables')
    .option('--out <file>', 'write a page: one HTML file')
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary explain artifacts/shop --request request.json',
      'tributary explain artifacts/shop --log /var/lib/shop/events --request-id 7f3a --out why.html',
    ],
    ['data', 'artifact'],
  );
}

async function run(artifact: string, { out, json, ...options }: Options): Promise<void> {
  const document = await explained(artifact, options);
  if (out !== undefined) await writePage(document, out, json);
  if (json) printJson({ event: 'result', ...document });
  else if (out === undefined) print(explanationText(document));
}

async function explained(artifact: string, { config, item, ...options }: Options): Promise<ExplanationDocument> {
  const { request, log, requestId } = options;
  if ((request === undefined) === (log === undefined)) throw usage('give --request or --log');
  if (log === undefined && requestId !== undefined) throw usage('--request-id names a request of a --log');
  const { explainRecorded, explainRequest } = await import('../../../diagnose/explain/explain.ts');
  const { recordedRequest } = await import('../../../diagnose/explain/recorded.ts');
  const { bodyOfText } = await import('../../../serve/http/body.ts');
  const { loadRanker } = await import('../../../serve/ranker/ranker.ts');
  await using ranker = await loadRanker(artifact, { config });
  const how = { ...options, items: item };
  if (log === undefined) {
    const file = String(request);
    const body = bodyOfText(readText(file, 'a request'), file);
    return await explainRequest(ranker, body, file, how);
  }
  const [impression, name] = await withLog(log, async (opened) => [
    await recordedRequest(opened, requestId),
    opened.name,
  ]);
  return await explainRecorded(ranker, impression, name, how);
}

async function writePage(document: ExplanationDocument, out: string, json: boolean | undefined): Promise<void> {
  const { pageHtml } = await import('../../../pages/html.ts');
  const { explanationPage } = await import('../../../pages/sources/documents.ts');
  const html = pageHtml(explanationPage(document));
  writeFileAtomic(out, html);
  if (!json) print(`wrote ${out} (${count(Buffer.byteLength(html))} bytes): open it in a browser`);
}

const usage = (problem: string) => error('USAGE', { problem, command: 'tributary explain' });
