/** Pages of documents that verbs print with `--json`. */
import { VERSION } from '../../base/version.ts';
import type { ExplanationDocument } from '../../documents/diagnose/explanation.ts';
import type { ImportanceDocument } from '../../documents/diagnose/importance.ts';
import type { Ramp } from '../../documents/experiment/ramp.ts';
import type { ExperimentReport } from '../../documents/experiment/report.ts';
import type { FlowDocument } from '../../documents/flows.ts';
import type { DriftDocument } from '../../documents/loop/drift.ts';
import type { PositionBiasDocument } from '../../documents/loop/position-bias.ts';
import type { ReplayDocument } from '../../documents/loop/replay.ts';
import type { Round } from '../../documents/loop/round.ts';
import type { SimulationDocument } from '../../documents/loop/simulation.ts';
import type { EvaluationDocument } from '../../documents/result.ts';
import type { TransferDocument } from '../../documents/transfer.ts';
import { explanationFindings, sharesText } from '../../report/diagnose/explanation.ts';
import { importanceFinding } from '../../report/diagnose/importance.ts';
import { experimentVerdict, looksText } from '../../report/experiment/report.ts';
import { driftFindings, driftHeadline } from '../../report/loop/drift.ts';
import { positionBiasFinding } from '../../report/loop/position-bias.ts';
import { replayVerdict } from '../../report/loop/replay.ts';
import { loopFinding, roundHeadline } from '../../report/loop/round.ts';
import { count, metricText, signed, timeText } from '../../report/numbers.ts';
import { negativeTransfer, sharingWorth, sourcesWorth, transferHeadline } from '../../report/transfer.ts';
import type { Head, Page } from '../page.ts';
import { sentencesOf } from './run.ts';

const head = (title: string, facts: string[], findings: string[], notes: string[] = []): Head => ({
  title,
  facts,
  findings,
  notes,
  version: VERSION,
});

export const evaluationPage = (evaluation: EvaluationDocument): Page => ({
  kind: 'evaluation',
  ...head(
    evaluation.run,
    [`${evaluation.data.name}, ${count(evaluation.data.rows)} rows`],
    [`Mean AUC ${metricText(evaluation.macro.auc)}, log loss ${metricText(evaluation.macro.logloss)}.`],
  ),
  evaluation,
});

export function flowsPage(flows: FlowDocument): Page {
  const [first, ...others] = sentencesOf(flows);
  return {
    kind: 'flows',
    ...head(
      flows.run === undefined ? `Flows of ${flows.data}` : `Flows of ${flows.run}`,
      [
        `${count(flows.rows)} of ${count(flows.of)} rows`,
        flows.source === 'model' ? 'by what the model answers' : 'by labels',
      ],
      [first],
    ),
    flows,
    flowSentences: others,
  };
}

export function transferPage(transfer: TransferDocument): Page {
  const [first, ...flowSentences] = negativeTransfer(transfer);
  return {
    kind: 'transfer',
    ...head(
      transfer.run ?? transfer.data,
      [transferHeadline(transfer, (text) => text)],
      [first.replace(/:$/, '.'), ...sharingWorth(transfer)],
      transfer.notes,
    ),
    transfer,
    sourceSentences: sourcesWorth(transfer),
    flowSentences,
  };
}

export function importancePage(importance: ImportanceDocument): Page {
  const { run, model, data, rows, of } = importance;
  return {
    kind: 'importance',
    ...head(
      run,
      [`${model} on ${data}`, `${count(rows)} of ${count(of)} validation rows`],
      [importanceFinding(importance)],
    ),
    importance,
  };
}

export function explanationPage(explanation: ExplanationDocument): Page {
  const { model, scenario, candidates, request, explained, notes } = explanation;
  const [first] = explained;
  return {
    kind: 'explanation',
    ...head(
      request.id === null ? `A request of ${scenario}` : `Request ${request.id}`,
      [
        model,
        scenario,
        `${count(candidates)} candidates`,
        `${request.source === 'log' ? 'from the log' : 'from'} ${request.from}`,
      ],
      explanationFindings(explanation),
      notes,
    ),
    sentences: { fields: `${sharesText(explanation)} Of the first item, ${strongest(first)}` },
    explanation,
  };
}

/** What the fields of an item bring most. */
function strongest({ fields: [{ field, score }] }: ExplanationDocument['explained'][number]): string {
  return score === null ? 'the score has no shares.' : `${field} moves the score most: ${signed(score.value)}.`;
}

export const replayPage = (replay: ReplayDocument): Page => ({
  kind: 'replay',
  ...head(replay.policy, [replay.log, `${count(replay.requests.impressions)} requests`], [replayVerdict(replay)]),
  replay,
});

export const positionBiasPage = (bias: PositionBiasDocument): Page => ({
  kind: 'position-bias',
  ...head(bias.log, [`by ${bias.type}`], bias.scenarios.map(positionBiasFinding)),
  bias,
});

export const simulationPage = (simulation: SimulationDocument): Page => ({
  kind: 'simulation',
  ...head(
    simulation.world,
    [`${simulation.days.length} days`, `${count(simulation.all.requests)} requests`, simulation.url],
    [
      `A request was worth ${metricText(simulation.all.shown)}; the best order is worth ${metricText(simulation.all.best)}, a random one ${metricText(simulation.all.random)}.`,
    ],
  ),
  simulation,
});

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

export const loopPage = (rounds: Round[], title: string): Page => ({
  kind: 'loop',
  ...head(
    title,
    [rounds.length === 1 ? '1 round' : `${rounds.length} rounds`],
    rounds.length === 0
      ? ['No round has begun.']
      : [`${capital(roundHeadline(rounds[rounds.length - 1]))}.`, ...(rounds.length > 1 ? [loopFinding(rounds)] : [])],
  ),
  rounds,
});

export const experimentPage = (experiment: ExperimentReport): Page => ({
  kind: 'experiment',
  ...head(
    experiment.key,
    [
      experiment.mode,
      `${experiment.period.first.slice(0, 10)} to ${experiment.period.last.slice(0, 10)}`,
      `${count(Math.round(experiment.unitsADay))} new units a day`,
    ],
    experimentVerdict(experiment),
    experiment.configured || experiment.mode !== 'split'
      ? []
      : ['No configuration was given: all types of interactions decide, and arms have equal weights.'],
  ),
  sentences: Object.fromEntries(
    experiment.treatments.map(({ arm, metrics }, t) => [
      `history-${t}`,
      metrics.map(({ metric }) => sinceText(experiment, arm, metric)).join(' '),
    ]),
  ),
  looks: looksText(experiment.method, experiment.looks),
  experiment,
});

/** Since when a difference has been decided. */
function sinceText({ history = [] }: ExperimentReport, arm: string, name: string): string {
  const looks = history.filter((one) => one.arm === arm && one.metric === name);
  const isOpen = ({ difference: { low, high } }: (typeof looks)[number]): boolean =>
    low === null || high === null || (low <= 0 && high >= 0);
  const last = looks.findLastIndex(isOpen);
  if (last === looks.length - 1) return `${name}: the interval contains 0.`;
  return `${name}: the interval leaves out 0 since ${looks[last + 1].at.slice(0, 10)} (${looks.length - last - 1} of ${looks.length} looks).`;
}

export function rampPage(ramp: Ramp): Page {
  const last = ramp.records.at(-1);
  const finding =
    last === undefined
      ? 'The ramp has not begun.'
      : `${capital(last.decision)} at ${timeText(last.at)}, coverage ${last.coverage} from then on: ${last.sentence}`;
  return {
    kind: 'ramp',
    ...head(ramp.key, [ramp.url], [finding], ramp.pending === undefined ? [] : [PENDING]),
    ramp,
  };
}

const PENDING = 'A change that was decided and that the service may not have yet: the next start of the ramp makes it.';

export const driftPage = (drift: DriftDocument): Page => ({
  kind: 'drift',
  ...head(`${drift.artifact.name}@${drift.artifact.id}`, driftHeadline(drift), driftFindings(drift), drift.notes),
  drift,
});
