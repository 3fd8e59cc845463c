/**
 * Census-Income (KDD): persons of the US Current Population Survey of 1994 and 1995, with the two pairs of tasks of the
 * MMoE paper. As there, the test file is halved into validation and test.
 *
 * Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018, section 5.1.
 */
import { z } from 'zod';
import type { DatasetInput } from '../../config/dataset.ts';
import { defineRecipe, foundPath, type RecipeFile } from './recipe.ts';

type FieldInput = DatasetInput['fields'][number];

const words = (text: string): string[] => text.trim().split(/\s+/);

/** The 42 columns in their order, by the names that are common for them; the files have none. */
const COLUMNS = words(`
  age class_worker det_ind_code det_occ_code education wage_per_hour hs_college marital_stat major_ind_code
  major_occ_code race hisp_origin sex union_member unemp_reason full_or_part_emp capital_gains capital_losses
  stock_dividends tax_filer_stat region_prev_res state_prev_res det_hh_fam_stat det_hh_summ instance_weight mig_chg_msa
  mig_chg_reg mig_move_reg mig_same mig_prev_sunbelt num_emp fam_under_18 country_father country_mother country_self
  citizenship own_or_self vet_question vet_benefits weeks_worked year income`);

const NUMBERS = words('age wage_per_hour capital_gains capital_losses stock_dividends num_emp weeks_worked');
/** Says how many people a line stands for; the description of the data keeps it out of classifiers. */
const NOT_A_FEATURE = 'instance_weight';
/** Columns whose categories tell who was never married. */
const HOUSEHOLD = words('det_hh_fam_stat det_hh_summ tax_filer_stat');

const INCOME = "income LIKE '50000+%'";
const NEVER_MARRIED = "marital_stat = 'Never married'";
const COLLEGE = [
  ...['Some college but no degree', 'Associates degree-occup /vocational', 'Associates degree-academic program'],
  ...['Bachelors degree(BA AB BS)', 'Masters degree(MA MS MEng MEd MSW MBA)'],
  ...['Prof school degree (MD DDS DVM LLB JD)', 'Doctorate degree(PhD EdD)'],
];
const EDUCATION = `education IN (${COLLEGE.map((level) => `'${level}'`).join(', ')})`;

/** The pairs, and the columns that they are taken from. */
const PAIRS = {
  income: {
    tasks: [
      { name: 'income', label: INCOME },
      { name: 'never_married', label: NEVER_MARRIED },
    ],
    from: ['income', 'marital_stat'],
  },
  education: {
    tasks: [
      { name: 'college', label: EDUCATION },
      { name: 'never_married', label: NEVER_MARRIED },
    ],
    from: ['education', 'marital_stat'],
  },
};

const HOUSEHOLD_NOTE =
  'The fields of household and tax filer tell of many persons whether they were ever married, so that never_married is ' +
  'nearly solved by them, as in the published results. household=none leaves them out.';

const options = z.strictObject({
  /** Income over $50,000, or at least some college; the second task is "never married" for both. */
  tasks: z.enum(['income', 'education']).default('income'),
  scenario: z.enum(['sex', 'year', 'none']).default('sex'),
  /** Of numbers: 20 `quantiles`, or `logSquare`. */
  buckets: z.enum(['quantiles', 'logSquare']).default('quantiles'),
  household: z.enum(['all', 'none']).default('all'),
});

const SCENARIOS: Record<z.output<typeof options>['scenario'], DatasetInput['scenario']> = {
  sex: { expression: 'sex', values: ['Female', 'Male'] },
  year: { expression: 'year', values: [94, 95], names: ['1994', '1995'] },
  none: { expression: "'all'", values: ['all'] },
};

/** Lines of the test file are halved by a hash of what they say: equal lines are on one side. */
const SPLIT =
  "CASE WHEN parse_filename(file) NOT LIKE 'census-income.test%' THEN 'train' " +
  `WHEN md5_number_upper(concat_ws('|', ${COLUMNS.join(', ')})) % 2 = 0 THEN 'validation' ELSE 'test' END`;

const FILES: RecipeFile[] = [
  { path: 'census-income.data', orPath: 'census-income.data.gz', content: '199,523 persons', bytes: 104_000_000 },
  { path: 'census-income.test', orPath: 'census-income.test.gz', content: '99,762 persons', bytes: 52_000_000 },
];

export const censusIncome = defineRecipe({
  key: 'census-income',
  title: 'Census-Income (KDD): income or education, and never married',
  where:
    'https://archive.ics.uci.edu/dataset/117/census+income+kdd (census-income.data and census-income.test, or .gz)',
  licence: 'CC BY 4.0; cite the UCI Machine Learning Repository (10.24432/C5N30T)',
  files: FILES,
  options,
  config(folder, { tasks, scenario, buckets: kind, household }): DatasetInput {
    const buckets = kind === 'quantiles' ? { quantiles: 20 } : kind;
    const left = [NOT_A_FEATURE, ...PAIRS[tasks].from, ...(household === 'none' ? HOUSEHOLD : [])];
    return {
      name: 'census-income',
      ...(household === 'all' ? { notes: [HOUSEHOLD_NOTE] } : {}),
      sources: {
        persons: {
          path: FILES.map((file) => foundPath(file, folder) ?? file.path),
          format: 'csv',
          delimiter: ', ',
          quote: '',
          header: false,
          columns: COLUMNS,
          nullValues: ['?'],
          fileColumn: 'file',
        },
      },
      fields: COLUMNS.filter((name) => !left.includes(name)).map(
        (name): FieldInput =>
          NUMBERS.includes(name) ? { kind: 'numeric', name, buckets } : { kind: 'categorical', name },
      ),
      scenario: SCENARIOS[scenario],
      tasks: PAIRS[tasks].tasks,
      split: { kind: 'column', column: SPLIT },
    };
  },
});
