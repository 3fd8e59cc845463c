/** A ramp, a plan and a list of experiments as text. */
import type { ExperimentPlan } from '../../documents/experiment/plan.ts';
import type { Ramp } from '../../documents/experiment/ramp.ts';
import { count, duration, percent } from '../numbers.ts';
import { tableOf, textTable } from '../table.ts';

export function rampText({ key, records, held }: Ramp): string {
  const table = tableOf(records, [
    { title: 'at', text: ({ at }) => at },
    { title: 'decision', text: ({ decision }) => decision },
    { title: 'coverage', text: ({ coverage }) => String(coverage), align: 'right' },
    { title: 'units', text: ({ units }) => Object.values(units).map(count).join(' / ') || '-', align: 'right' },
    { title: 'because', text: ({ sentence }) => sentence },
  ]);
  const now = held === undefined ? [] : ['', `holds (${held.at}): ${held.sentence}`];
  return [`ramp of ${key}`, ...textTable(table), ...now].join('\n');
}

const round = (x: number): number => Number(x.toPrecision(3));

export function planText(plan: ExperimentPlan): string {
  const { metric, effect, relativeEffect, power, arms, coverage, units, days, mean, fixed, alwaysValid, detectable } =
    plan;
  const lasts = ({ unitsAnArm, days: needed }: ExperimentPlan['fixed']): string =>
    `${count(unitsAnArm)} units an arm, ${needed === null ? 'the log has no traffic to say how long' : `about ${Math.ceil(needed)} days`}`;
  const share = relativeEffect === null ? '' : ` (${percent(round(relativeEffect))} of ${round(mean)})`;
  return [
    `To find a difference of ${round(effect)}${share} in ${metric} with probability ${power}, ${arms} arms at coverage ${coverage}:`,
    `  one look at the end   ${lasts(fixed)}`,
    `  look at any time      ${lasts(alwaysValid)}, often less`,
    `The log has ${count(units)} units in ${round(days)} days; as an experiment it would find ${round(detectable)} (${percent(round(detectable / mean))}) at its end.`,
    `read in ${duration(plan.seconds)}`,
  ].join('\n');
}

interface Listed {
  key: string;
  mode: string;
  coverage: number;
  arms: Readonly<Record<string, { model?: string; score?: string }>>;
  weights?: readonly number[];
  bucketVersion: number;
  metrics: { success: readonly (string | { metric: string })[]; guardrails: readonly { metric: string }[] };
}

export function experimentsText(experiments: readonly Listed[]): string {
  if (experiments.length === 0) return 'no experiments';
  return textTable(
    tableOf(experiments, [
      { title: 'key', text: ({ key }) => key },
      { title: 'mode', text: ({ mode }) => mode },
      { title: 'coverage', text: ({ coverage }) => String(coverage), align: 'right' },
      {
        title: 'arms',
        text: ({ arms, weights }) =>
          Object.entries(arms)
            .map(([name, { model, score }], i) =>
              [name, model, score === undefined ? undefined : `"${score}"`, weights?.[i]]
                .filter((part) => part !== undefined)
                .join(' '),
            )
            .join(', '),
      },
      { title: 'version', text: ({ bucketVersion }) => String(bucketVersion), align: 'right' },
      {
        title: 'success',
        text: ({ metrics }) => metrics.success.map((one) => (typeof one === 'string' ? one : one.metric)).join(', '),
      },
      { title: 'guardrails', text: ({ metrics }) => metrics.guardrails.map(({ metric }) => metric).join(', ') },
    ]),
  ).join('\n');
}
