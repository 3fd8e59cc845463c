/** Finds out what is at a path, and makes its page. */
import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { readDescription } from '../../base/files.ts';
import { isRecord, parseJson } from '../../base/json.ts';
import { readSealed } from '../../base/seal.ts';
import { comparisonSchema } from '../../documents/comparison.ts';
import { explanationSchema } from '../../documents/diagnose/explanation.ts';
import { importanceSchema } from '../../documents/diagnose/importance.ts';
import { rampSchema } from '../../documents/experiment/ramp.ts';
import { experimentReportSchema } from '../../documents/experiment/report.ts';
import { flowDocumentSchema } from '../../documents/flows.ts';
import { driftSchema } from '../../documents/loop/drift.ts';
import { positionBiasSchema } from '../../documents/loop/position-bias.ts';
import { replaySchema } from '../../documents/loop/replay.ts';
import { simulationSchema } from '../../documents/loop/simulation.ts';
import { evaluationSchema } from '../../documents/result.ts';
import { transferSchema } from '../../documents/transfer.ts';
import { tuningSchema } from '../../documents/tuning.ts';
import { loopPaths, readRounds } from '../../loop/rounds.ts';
import type { Page } from '../page.ts';
import { artifactPage } from './artifact.ts';
import {
  driftPage,
  evaluationPage,
  experimentPage,
  explanationPage,
  flowsPage,
  importancePage,
  loopPage,
  positionBiasPage,
  rampPage,
  replayPage,
  simulationPage,
  transferPage,
} from './documents.ts';
import { runPage } from './run.ts';
import { comparisonPage, tuningPage } from './study.ts';

/**
 * The page of a folder (run, comparison, search, artifact, loop, ramp) or of a file with a document, such as what a verb printed with `--json`.
 *
 * @throws PAGE_NOTHING_THERE where nothing at the path is known; PAGE_DOCUMENT; errors of the readers of folders
 */
export function openPage(path: string): Page {
  if (!existsSync(path)) throw error('PAGE_NOTHING_THERE', { path, found: 'it does not exist' });
  if (!statSync(path).isDirectory()) return documentPage(path);
  const has = (name: string): boolean => existsSync(join(path, name));
  if (has('run.json')) return runPage(path);
  if (isArtifact(join(path, 'manifest.json'))) return artifactPage(path);
  if (has('result.json')) return documentPage(join(path, 'result.json'));
  if (has('ramp.json')) return rampPage(readSealed(join(path, 'ramp.json'), 'the record of a ramp', rampSchema));
  if (existsSync(loopPaths(path).rounds)) return loopPage(readRounds(path), basename(resolve(path)));
  throw error('PAGE_NOTHING_THERE', { path, found: 'the folder is of none of these' });
}

/** Prepared data have a manifest as well. */
const isArtifact = (manifest: string): boolean =>
  existsSync(manifest) && readDescription(manifest, 'a manifest').includes('"tributary-artifact"');

interface Kind {
  /** The page of a document, which is checked first. Throws a ZodError. */
  page: (document: unknown, path: string) => Page;
}

const kind = <D>(schema: z.ZodType<D>, page: (document: D, path: string) => Page): Kind => ({
  page: (document, path) => page(schema.parse(document), path),
});

/** By schema of the document. To show another one, add its line, its page in page.ts and its component in kinds/. */
const KINDS: Record<string, Kind> = {
  'comparison/1': kind(comparisonSchema, comparisonPage),
  'tuning/1': kind(tuningSchema, tuningPage),
  'evaluation/1': kind(evaluationSchema, evaluationPage),
  'flows/1': kind(flowDocumentSchema, flowsPage),
  'transfer/1': kind(transferSchema, transferPage),
  'explanation/1': kind(explanationSchema, explanationPage),
  'importance/1': kind(importanceSchema, importancePage),
  'replay/1': kind(replaySchema, replayPage),
  'position-bias/1': kind(positionBiasSchema, positionBiasPage),
  'experiment-report/1': kind(experimentReportSchema, experimentPage),
  'drift/1': kind(driftSchema, driftPage),
  'simulation/1': kind(simulationSchema, simulationPage),
};

function documentPage(path: string): Page {
  const document = lastDocument(readDescription(path, 'a result document'), path);
  // Comparisons of version 0.1 have no schema.
  const { schema = 'datasets' in document ? 'comparison/1' : null } = document;
  const known = typeof schema === 'string' && Object.hasOwn(KINDS, schema) ? KINDS[schema] : undefined;
  if (known === undefined)
    throw error('PAGE_DOCUMENT', {
      path,
      problem: `no page shows ${JSON.stringify(schema)}, only ${Object.keys(KINDS).join(', ')}`,
    });
  try {
    return known.page(document, path);
  } catch (cause) {
    if (cause instanceof z.ZodError) throw error('PAGE_DOCUMENT', { path, problem: z.prettifyError(cause) }, cause);
    throw cause;
  }
}

/** A document, or the last one of JSON lines, without the `event` that `--json` adds. */
function lastDocument(text: string, path: string): Record<string, unknown> {
  const parsed = attempt(text) ?? text.trimEnd().split('\n').map(attempt).findLast(isRecord);
  if (parsed === undefined) throw error('PAGE_DOCUMENT', { path, problem: 'it is neither JSON nor lines of JSON' });
  if (!isRecord(parsed)) throw error('PAGE_DOCUMENT', { path, problem: 'its JSON is not an object' });
  const { event: _, ...document } = parsed;
  return document;
}

function attempt(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
