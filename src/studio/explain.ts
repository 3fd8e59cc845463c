/** Explanations of requests by artifacts of the folder: pasted ones, and those of its logs. */
import { error, TributaryError } from '../base/errors/index.ts';
import { VERSION } from '../base/version.ts';
import type { AskPage, Head, LogPage, Page, RequestEntry } from '../pages/page.ts';
import { explanationPage } from '../pages/sources/documents.ts';
import { timeText } from '../report/numbers.ts';
import type { Ranker } from '../serve/ranker/ranker-contract.ts';
import type { ArtifactManifest } from '../store/artifact/manifest.ts';
import { manifestIn } from '../store/artifact/manifest-file.ts';
import { contentsOf, type Found, stampOf } from './contents.ts';
import { latestRequests, type Recorded } from './requests.ts';

/** A request to explain. */
export type Asked = { text: string } | { log: string; id: string };

export interface Explainer {
  /** Where a request is pasted or picked. `problem`: why the last one was not explained. */
  ask(artifact: string, last?: { text: string; problem: string }): AskPage;
  /** Throws STUDIO_NOT_LISTED, and what explanations throw. */
  explain(artifact: string, asked: Asked): Promise<Page>;
  /** The newest requests of a log, with links to explanations of them. */
  log(found: Found): LogPage;
  close(): Promise<void>;
}

/** Artifacts that a request of a log links to. */
const LINKED = 3;

export const hrefOf = (door: string, name: string): string =>
  `/${door}/${name.split('/').map(encodeURIComponent).join('/')}`;

const linkOf = (artifact: string, { log, id }: Pick<Recorded, 'log' | 'id'>): string =>
  `${hrefOf('explain', artifact)}?${new URLSearchParams({ log, id })}`;

export function createExplainer(folder: string): Explainer {
  const of = (kind: string, name: string): Found => {
    const found = contentsOf(folder).find((one) => one.kind === kind && one.name === name);
    if (found === undefined) throw error('STUDIO_NOT_LISTED', { name: name.slice(0, 200) });
    return found;
  };
  const rankers = lastRanker();
  return {
    ask(name, { text, problem } = { text: '', problem: '' }) {
      const { data, ...manifest } = manifestIn(of('artifact', name).path);
      const logs = contentsOf(folder).filter(({ kind }) => kind === 'log');
      const requests = logs
        .flatMap(latestRequests)
        .filter(({ scenario }) => data.scenarios.includes(scenario))
        .toSorted((a, b) => (a.time < b.time ? 1 : -1))
        .slice(0, 50);
      return {
        kind: 'ask',
        ...head(
          `Explain a request by ${manifest.name}`,
          [`${manifest.name}@${manifest.id}`, ...data.scenarios],
          ['Paste a request as it is sent to /v1/rank, or pick one that a log of this folder has.'],
        ),
        action: hrefOf('explain', name),
        text: text === '' ? JSON.stringify(exampleOf(data), null, 2) : text,
        problem: problem === '' ? null : problem,
        requests: requests.map((one) => ({ ...one, links: [{ href: linkOf(name, one), text: 'explain' }] })),
      };
    },
    async explain(name, asked) {
      const { explainRecorded, explainRequest } = await import('../diagnose/explain/explain.ts');
      const { recordedRequest } = await import('../diagnose/explain/recorded.ts');
      const { segmentLog } = await import('../events/segments/folder.ts');
      const { bodyOfText } = await import('../serve/http/body.ts');
      return rankers.use(of('artifact', name), async (ranker) => {
        if ('text' in asked)
          return explanationPage(await explainRequest(ranker, bodyOfText(asked.text), 'what was pasted'));
        const impression = await recordedRequest(segmentLog(of('log', asked.log).path), asked.id);
        return explanationPage(await explainRecorded(ranker, impression, asked.log));
      });
    },
    log(found) {
      const artifacts = contentsOf(folder).flatMap((one) => (one.kind === 'artifact' ? knownOf(one) : []));
      const requests = latestRequests(found);
      return {
        kind: 'log',
        ...head(found.name, [found.path], [logFinding(requests, artifacts.length)]),
        requests: requests.map((one) => ({ ...one, links: linksOf(one, artifacts) })),
      };
    },
    close: rankers.close,
  };
}

const head = (title: string, facts: string[], findings: string[]): Head => ({
  title,
  facts,
  findings,
  notes: [],
  version: VERSION,
});

function logFinding([newest]: readonly Recorded[], artifacts: number): string {
  if (newest === undefined) return 'The end of the log has no answered request.';
  const last = `The newest request was answered at ${timeText(newest.time)} by ${newest.model}.`;
  return artifacts === 0 ? `${last} This folder has no artifact to explain requests by.` : last;
}

interface Known {
  name: string;
  label: string;
  scenarios: readonly string[];
}

/** Artifacts that can be read. */
function knownOf(found: Found): Known[] {
  try {
    const { name, id, data } = manifestIn(found.path);
    return [{ name: found.name, label: `${name}@${id}`, scenarios: data.scenarios }];
  } catch (cause) {
    if (cause instanceof TributaryError) return [];
    throw cause;
  }
}

/** The artifact that answered first. */
const linksOf = (one: Recorded, artifacts: readonly Known[]): RequestEntry['links'] =>
  artifacts
    .filter(({ scenarios }) => scenarios.includes(one.scenario))
    .toSorted((a, b) => Number(b.label === one.model) - Number(a.label === one.model))
    .slice(0, LINKED)
    .map(({ name }) => ({ href: linkOf(name, one), text: name }));

/** A request with all fields, unknown. */
function exampleOf({ scenarios, fields, sequences, scenarioFields }: ArtifactManifest['data']): object {
  const asked = fields.filter(({ name, rates }) => rates === undefined && !scenarioFields?.names.includes(name));
  return {
    scenario: scenarios[0],
    user: {
      ...Object.fromEntries(asked.map(({ name }) => [name, null])),
      ...(sequences && { sequences: Object.fromEntries(sequences.types.map((type) => [type, []])) }),
    },
    items: [{ id: 'a' }, { id: 'b' }],
  };
}

interface Rankers {
  /** Works with the ranker of an artifact. */
  use<T>(found: Found, work: (ranker: Ranker) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Keeps the ranker that was used last: loading copies the artifact. One explanation is made at a time. */
function lastRanker(): Rankers {
  let kept: { key: string; ranker: Ranker } | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const next = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  };
  const drop = async (): Promise<void> => {
    const before = kept;
    kept = undefined;
    await before?.ranker.close();
  };
  return {
    use: ({ path }, work) =>
      next(async () => {
        const key = `${path} ${stampOf(path)}`;
        if (kept?.key !== key) {
          await drop();
          const { loadRanker } = await import('../serve/ranker/ranker.ts');
          kept = { key, ranker: await loadRanker(path) };
        }
        return work(kept.ranker);
      }),
    close: () => next(drop),
  };
}
