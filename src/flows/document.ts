/** What an analysis of flows found, as a document. */
import { FLOW_NAMES, type FlowDocument, type FlowEstimates, TOO_FEW } from '../documents/flows.ts';
import { explainedBy, type Hidden, hiddenFlows } from './absent.ts';
import type { FlowAnalysis } from './analysis.ts';
import type { Certificate } from './certificate.ts';
import { type Cells, FLOWS } from './covariance/structure.ts';
import type { Effects } from './effects/effects.ts';
import type { Left } from './model/analyse.ts';
import type { Verdicts } from './verdict.ts';

type FlowLine = FlowDocument['flows'][number];

export interface Described {
  data: string;
  dataHash: string;
  source: 'labels' | 'model';
  run?: string;
  rows: number;
  of: number;
  scenarios: readonly string[];
  tasks: readonly string[];
  orderedTasks: boolean;
}

/** What is described: the analysis of labels, or of a model. */
type Found = Pick<FlowAnalysis, 'terms' | 'verdicts'> & {
  effects: Pick<Effects, 'fields'> & Partial<Pick<Effects, 'known'>>;
  left?: Left;
};

export function flowDocument(
  about: Described,
  { terms, verdicts, effects, left }: Found,
  certificates: readonly (readonly (Certificate | undefined)[])[],
): FlowDocument {
  const T = about.tasks.length;
  const C = about.scenarios.length * T;
  const cells = { scenarios: about.scenarios.length, tasks: T };
  const hidden = hiddenFlows(terms, cells, verdicts);
  const held = left && leftOut(left, cells, verdicts);
  const known = effects.known ?? new Array<boolean>(C).fill(true);
  const flows = about.scenarios.flatMap((scenario, s) =>
    about.tasks.flatMap((task, t) =>
      FLOW_NAMES.map((name, k): FlowLine => {
        const c = s * T + t;
        const i = k * C + c;
        const certificate = certificates[k]?.[c];
        return {
          scenario,
          task,
          flow: k + 1,
          name,
          strength: verdicts.exists[k] ? verdicts.W[i] : 0,
          ...(about.source === 'model'
            ? modelClaim(claim(verdicts, hidden[k], { k, i, isKnown: true }), held?.[k], certificate, verdicts.q)
            : claim(verdicts, hidden[k], { k, i, isKnown: known[c] })),
          certificate: certificate === undefined ? null : estimatesOf(certificate),
        };
      }),
    ),
  );
  const carried = sharesOf(verdicts, terms.length, C);
  return {
    schema: 'flows/1',
    ...about,
    scenarios: [...about.scenarios],
    tasks: [...about.tasks],
    flows,
    fields: terms.map(({ name }, j) => ({
      field: name,
      share: [...carried.subarray(j * FLOWS, (j + 1) * FLOWS)],
      reads: verdicts.reads.slice(j * FLOWS, (j + 1) * FLOWS),
    })),
    shares: FLOW_NAMES.map((_, k) => terms.reduce((sum, _, j) => sum + carried[j * FLOWS + k], 0)),
    absent: hidden.flatMap((of, k) => (of ? [{ flow: k + 1, field: of.field, share: of.share }] : [])),
    ...(held && {
      left: held.flatMap((of, k) => (of && of.fields.length > 0 ? [{ flow: k + 1, fields: of.fields }] : [])),
    }),
    notes: notesOf(about, verdicts, terms, known, effects),
  };
}

function claim(
  { exists, useless, likely, useful, separable, p, p0, possible, q }: FlowAnalysis['verdicts'],
  hidden: Hidden | undefined,
  { k, i, isKnown }: { k: number; i: number; isKnown: boolean },
): Pick<FlowLine, 'verdict' | 'p' | 'reason'> {
  if (!isKnown) return { verdict: 'undecided', p: 1, reason: TOO_FEW };
  if (!possible[k]) return { verdict: 'useless', p: 0, reason: 'there is no such flow with one scenario or one task' };
  if (!exists[k]) return absent(hidden, q);
  if (useless[i]) return { verdict: 'useless', p: p[i] };
  if (likely[i])
    return {
      verdict: 'likely useless',
      p: p[i],
      reason: separable[k]
        ? 'other flows, which read the same fields, could take its place'
        : 'the flow reads no field of its own: it cannot be distinguished from others',
    };
  if (useful[i]) return { verdict: 'useful', p: p0[i] };
  const reason = separable[k]
    ? 'neither "none" nor "half the usual strength" can be ruled out'
    : 'the flow cannot be distinguished from others';
  return { verdict: 'undecided', p: p0[i], reason };
}

/** A flow that no field is seen to feed. */
function absent(hidden: Hidden | undefined, q: number): Pick<FlowLine, 'verdict' | 'p' | 'reason'> {
  if (hidden === undefined)
    return {
      verdict: 'undecided',
      p: 1,
      reason: 'no field is seen to feed any flow: there is nothing to compare with',
    };
  const most = `${(100 * hidden.share).toFixed(1)} %`;
  return hidden.p <= q
    ? { verdict: 'useless', p: hidden.p, reason: `no field feeds this flow: none brings more than ${most} (95 %)` }
    : {
        verdict: 'undecided',
        p: hidden.p,
        reason: `no field is seen to feed this flow, but ${hidden.field} could bring up to ${most} (95 %)`,
      };
}

/** What labels hold of a flow that a model takes nothing through. */
interface LeftOut {
  /** Fields that feed it, beyond the model's answers. */
  fields: string[];
  hidden: Hidden | undefined;
}

/** [4] for the flows that the model takes nothing through. */
function leftOut({ terms, verdicts }: Left, cells: Cells, model: Verdicts): (LeftOut | undefined)[] {
  const hidden = hiddenFlows(terms, cells, verdicts, explainedBy(model, cells.scenarios * cells.tasks));
  return FLOW_NAMES.map((_, k) => {
    if (model.exists[k] || !model.possible[k]) return undefined;
    const fields = terms.flatMap(({ name }, j) => (verdicts.reads[j * FLOWS + k] ? [name] : []));
    return { fields, hidden: hidden[k] };
  });
}

/**
 * A model uses nothing of a flow where it has not learned it, too. So "useless" needs the labels, as well: those of the rows must not
 * hold it beyond the model's answers.
 */
function modelClaim(
  own: Pick<FlowLine, 'verdict' | 'p' | 'reason'>,
  left: LeftOut | undefined,
  certificate: Certificate | undefined,
  q: number,
): Pick<FlowLine, 'verdict' | 'p' | 'reason'> {
  if (own.verdict !== 'useless' && own.verdict !== 'likely useless') return own;
  if (certificate !== undefined && certificate.coefficient.low > 0)
    return { verdict: 'undecided', p: own.p, reason: 'the model does not use the flow, but the labels hold it' };
  if (left === undefined) return own;
  if (left.fields.length > 0)
    return {
      verdict: 'undecided',
      p: own.p,
      reason: `the model does not use the flow, but the labels hold effects of ${left.fields.join(', ')} that its answers leave out`,
    };
  if (left.hidden === undefined || left.hidden.p > q)
    return {
      verdict: 'undecided',
      p: own.p,
      reason: 'the model does not use the flow, and the labels are too few to say that they hold nothing of it',
    };
  return { ...own, p: Math.max(own.p, left.hidden.p) };
}

const estimatesOf = ({ coefficient, aucChange, loglossChange, rows, positives }: Certificate): FlowEstimates => ({
  coefficient: coefficient.value,
  low: coefficient.low,
  high: coefficient.high,
  aucChange: aucChange.value,
  aucLow: aucChange.low,
  aucHigh: aucChange.high,
  loglossChange: loglossChange.value,
  loglossLow: loglossChange.low,
  loglossHigh: loglossChange.high,
  rows,
  positives,
});

/** [J, 4] share of the explained variance: tau2 times the mean square strength, of what the flows read. */
function sharesOf({ tau2, W, reads }: FlowAnalysis['verdicts'], J: number, C: number): Float64Array {
  const out = new Float64Array(J * FLOWS);
  let total = 0;
  for (let i = 0; i < out.length; i++) {
    if (!reads[i]) continue;
    const k = i % FLOWS;
    let square = 0;
    for (let c = 0; c < C; c++) square += W[k * C + c] ** 2 / C;
    out[i] = tau2[i] * square;
    total += out[i];
  }
  return total === 0 ? out : out.map((value) => value / total);
}

function notesOf(
  { scenarios, tasks, rows, of, orderedTasks }: Described,
  { separable, exists }: FlowAnalysis['verdicts'],
  terms: FlowAnalysis['terms'],
  known: readonly boolean[],
  effects: Found['effects'],
): string[] {
  const notes: string[] = [];
  if (rows < of)
    notes.push(
      `${rows.toLocaleString('en-US')} of ${of.toLocaleString('en-US')} rows were drawn; with more (--rows) weaker flows may show.`,
    );
  if (orderedTasks) notes.push('Tasks are ordered: each counts only on rows where the one before it is 1.');
  const unknown = known.flatMap((is, c) =>
    is ? [] : [`${scenarios[Math.floor(c / tasks.length)]}/${tasks[c % tasks.length]}`],
  );
  if (unknown.length > 0)
    notes.push(`Nothing can be said about ${unknown.join(', ')}: too few positives or negatives.`);
  const mixed = FLOW_NAMES.filter((_, k) => exists[k] && !separable[k]);
  for (const name of mixed)
    notes.push(`The flow ${name} reads no field of its own: nothing is claimed about its cells.`);
  const nested = terms.filter((term) => term.nested).map(({ name }) => name);
  if (nested.length > 0)
    notes.push(
      `Levels of ${nested.join(', ')} belong to one scenario each: they cannot say what is specific to a scenario.`,
    );
  const decided = effects.fields.flatMap((f) =>
    f.kind === 'coarse' && f.decidedBy ? [`${f.block.name} by ${f.decidedBy}`] : [],
  );
  if (decided.length > 0) notes.push(`Decided by an id, with errors counted by id: ${decided.join(', ')}.`);
  return notes;
}
