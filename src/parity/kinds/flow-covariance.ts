/** Fixtures of kind `flow-covariance`: rows, and the results of each stage of the flow analysis. */
import { z } from 'zod';
import {
  analyseFlows,
  type FlowAnalysis,
  type FlowRows,
  flowOptions,
  inMemory,
  negativeLogLikelihood,
  type Term,
} from '../../flows/index.ts';
import type { Checks } from '../checks.ts';
import { type Fixture, NotUnderstood } from '../fixture.ts';

const numbers = z.array(z.number());
const matrix = z.array(numbers);

const schema = z.object({
  scenarios: z.int().min(1),
  tasks: z.int().min(1),
  orderedTasks: z.boolean(),
  fields: z.array(z.strictObject({ name: z.string(), levels: z.int().min(1), slots: z.int().min(1).default(1) })),
  rows: z.strictObject({ ids: matrix, scenario: numbers, labels: z.array(z.array(z.number().nullable())) }),
  options: z.strictObject({ ...flowOptions.partial().shape }),
  expected: z.strictObject({
    terms: z.array(
      z.strictObject({
        name: z.string(),
        kind: z.enum(['coarse', 'fine']),
        y: matrix,
        H: matrix.nullable(),
        K: z.array(matrix),
        nested: z.boolean(),
      }),
    ),
    likelihood: z.strictObject({ tau2: matrix, W: matrix, nll: z.number(), gradTau2: matrix, gradW: matrix }),
    fit: z.strictObject({ W: matrix, tau2: matrix, nll: z.number() }),
    verdict: z.strictObject({
      exists: numbers,
      reads: matrix,
      separable: numbers,
      useless: matrix,
      likely: matrix,
      useful: matrix,
    }),
  }),
  tolerance: z.strictObject({
    terms: z.number(),
    likelihood: z.number(),
    W: z.number(),
    tau2: z.number(),
    nll: z.number(),
  }),
});
type Case = z.output<typeof schema>;

export const isFlowFixture = (fixture: Fixture): boolean => fixture.entry('kind') === 'flow-covariance';

export async function checkFlows(fixture: Fixture, checks: Checks): Promise<void> {
  const entries = Object.fromEntries(Object.keys(schema.shape).map((key) => [key, fixture.entry(key)]));
  fixture.entry('planted'); // the planted truth: what the verdicts should be, not what they are
  const parsed = schema.safeParse(entries);
  if (!parsed.success) throw new NotUnderstood(z.prettifyError(parsed.error));
  const { expected, tolerance, ...one } = parsed.data;
  const analysis = await analyseFlows(
    inMemory(rowsOf(one)),
    flowOptions.parse({ minCount: 1, ...one.options, orderedTasks: one.orderedTasks }),
  );
  checkTerms(checks, analysis.terms, expected.terms, one.tasks, tolerance.terms);
  checkLikelihood(checks, analysis.terms, one, expected.likelihood, tolerance.likelihood);
  checkVerdicts(checks, analysis, expected, tolerance);
}

const rowsOf = ({ scenarios, tasks, fields, rows }: Omit<Case, 'expected' | 'tolerance'>): FlowRows => {
  let at = 0;
  return {
    scenarios,
    tasks,
    rows: rows.ids.length,
    scenario: Int32Array.from(rows.scenario),
    labels: Float64Array.from(rows.labels.flat(), (label) => label ?? Number.NaN),
    fields: fields.map(({ name, levels, slots }) => {
      const from = at;
      at += slots;
      return { name, levels, slots, ids: Int32Array.from(rows.ids.flatMap((row) => row.slice(from, at))) };
    }),
  };
};

const flat = (rows: readonly (readonly number[])[]): number[] => rows.flat();

/** Contrasts of a coarse field are known up to their sign. */
function checkTerms(
  checks: Checks,
  found: readonly Term[],
  expected: Case['expected']['terms'],
  tasks: number,
  atol: number,
): void {
  const named = (terms: readonly { name: string; kind: string; nested: boolean }[]) =>
    terms.map(({ name, kind, nested }) => [name, kind, nested]);
  checks.equal('terms', named(found), named(expected));
  for (const [j, term] of found.entries()) {
    const other = expected[j];
    if (other === undefined) return;
    const tolerance = { rtol: atol, atol };
    const C = term.y.length / term.rows;
    const y = other.y.flatMap((row, m) => {
      const along = row.reduce((sum, value, c) => sum + value * term.y[m * C + c], 0);
      return row.map((value) => (term.kind === 'coarse' && along < 0 ? -value : value));
    });
    checks.close(`${term.name} y`, term.y, y, tolerance);
    checks.close(`${term.name} K`, fullK(term.K, C, tasks), other.K.flat(2), tolerance);
    if (other.H !== null) checks.close(`${term.name} H`, term.H ?? [], flat(other.H), tolerance);
  }
}

/** [M, C, C] of the blocks [M, S, T, T]. */
function fullK(blocks: Float64Array, C: number, T: number): Float64Array {
  const full = new Float64Array((blocks.length / T) * C);
  for (let i = 0; i < blocks.length; i++) {
    const row = Math.floor(i / T); // m * C + cell
    const first = (row % C) - (row % T);
    full[row * C + first + (i % T)] = blocks[i];
  }
  return full;
}

/** Value and gradient at given parameters. Terms are rounded, which affects the last digits of large values. */
function checkLikelihood(
  checks: Checks,
  terms: readonly Term[],
  { scenarios, tasks }: Pick<Case, 'scenarios' | 'tasks'>,
  expected: Case['expected']['likelihood'],
  tolerance: number,
): void {
  const tau2 = Float64Array.from(flat(expected.tau2));
  const W = Float64Array.from(flat(expected.W));
  const gradient = { tau2: new Float64Array(tau2.length), W: new Float64Array(W.length) };
  const value = negativeLogLikelihood(terms, { scenarios, tasks }, { tau2, W }, gradient);
  // The fixture has parameters and gradients with nine decimals.
  const rounded = { rtol: 1e-7, atol: 1e-6 };
  checks.number('likelihood', value, expected.nll, { rtol: tolerance, atol: rounded.atol });
  checks.close('gradient of tau2', gradient.tau2, flat(expected.gradTau2), rounded);
  checks.close('gradient of W', gradient.W, flat(expected.gradW), rounded);
}

function checkVerdicts(
  checks: Checks,
  { verdicts }: FlowAnalysis,
  { fit, verdict }: Case['expected'],
  tolerance: Case['tolerance'],
): void {
  const relative = (share: number) => ({ rtol: share, atol: share });
  checks.close('fit.W', verdicts.W, flat(fit.W), relative(tolerance.W));
  checks.close('fit.tau2', verdicts.tau2, flat(fit.tau2), relative(tolerance.tau2));
  checks.number('fit.nll', verdicts.value, fit.nll, { rtol: 0, atol: tolerance.nll });
  const bits = (values: readonly boolean[]): number[] => values.map(Number);
  checks.equal('exists', bits(verdicts.exists), verdict.exists);
  checks.equal('separable', bits(verdicts.separable), verdict.separable);
  for (const name of ['reads', 'useless', 'likely', 'useful'] as const)
    checks.equal(name, bits(verdicts[name]), flat(verdict[name]));
}
