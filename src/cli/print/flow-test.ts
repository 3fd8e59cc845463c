/** `flows --test`: the verdict on flows, in words and tables, or as one JSON line. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { oneLine } from '../../base/one-line.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import { testModel } from '../../export/select/model-flows.ts';
import {
  type FlowDocument,
  flowOptions,
  flowSentences,
  shareRows,
  testLabels,
  verdictRows,
} from '../../flows/index.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { columns, count, print, printJson } from '../output.ts';

export interface FlowTestOptions {
  json?: boolean;
  data?: string;
  backend?: SessionOptions['backend'];
  pairs?: boolean;
  rows: number;
  seed: number;
}

/** Validation rows that certificates are taken from at most. */
const VALIDATION_ROWS = 200_000;

/** Tests the labels of a prepared data set, or the model of a run. */
export async function testFlows(folder: string, options: FlowTestOptions): Promise<void> {
  const { json, pairs = false, rows, seed, data, backend } = options;
  const analysis = { ...flowOptions.parse({ pairs }), rows, seed };
  const document = isPreparedFolder(folder)
    ? await testLabels(await openPrepared(folder), { ...analysis, validationRows: VALIDATION_ROWS })
    : await testModel(folder, analysis, { data, backend });
  if (json) printJson({ event: 'result', ...document });
  else print(flowTestText(document));
}

/** A prepared data set has a manifest, a run has not. */
const isPreparedFolder = (folder: string): boolean => existsSync(join(folder, 'manifest.json'));

function flowTestText(document: FlowDocument): string {
  const { data, rows, of, notes, source } = document;
  const measured = rows === of ? count(rows) : `${count(rows)} of ${count(of)}`;
  return [
    source === 'model'
      ? `Flows that the model of ${document.run} uses, by its answers to ${measured} validation rows of ${oneLine(data)} in every scenario`
      : `Flows of ${oneLine(data)}, by the labels of ${measured} training rows`,
    '',
    ...flowSentences(document).map((sentence) => `- ${sentence}`),
    '',
    "Strength of each flow in each cell, 1 = the flow's usual one (no: useless; no?: likely useless; ?: undecided)",
    ...columns(verdictRows(document), [2, 3, 4, 5]),
    '',
    'Share of what the fields explain, by field and flow (%)',
    ...columns(shareRows(document), [1, 2, 3, 4]),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ].join('\n');
}
