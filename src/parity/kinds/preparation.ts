/**
 * Prepares raw files by the recipe that they belong to. Rows, their order, labels and scenarios must equal the reference's. Ids are
 * compared by their tokens, because both sides number them differently. A number that the reference writes as 3.0 has the token 3
 * here.
 *
 *   train|valid|test.ids [N,F], .labels [N,T], .scenario [N]; vocabulary {field: {token: id}}, first_id_per_field,
 *   end_id_per_field, kept_tokens_per_field, has_oov_slot, threshold (tokens seen fewer times are dropped)
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type DatasetConfig, datasetSchema } from '../../config/dataset.ts';
import { OUT_OF_VOCABULARY_ID, RESERVED_IDS } from '../../data/encode/ids.ts';
import { prepare } from '../../data/prepare/prepare.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { Batch, PreparedData } from '../../data/prepared/prepared.ts';
import { recipes } from '../../data/recipes/recipes.ts';
import type { Checks } from '../checks.ts';
import { type Fixture, NotUnderstood, some } from '../fixture.ts';
import { EXACT } from '../tolerance.ts';
import { wholeSplit } from './rows.ts';

export const isPreparationFixture = (fixture: Fixture): boolean => fixture.has('vocabulary');

const perField = <T>(value: z.ZodType<T>) => z.record(z.string(), value);
const claimsSchema = z.object({
  threshold: z.int().min(0),
  fields: z.array(z.string()).min(1),
  kept_tokens_per_field: perField(z.int()),
  first_id_per_field: perField(z.int()),
  end_id_per_field: perField(z.int()),
  has_oov_slot: perField(z.boolean()),
  ids_used: z.int(),
  embedding_rows_official: z.int(),
  vocabulary: perField(perField(z.int())),
});
type Claims = z.output<typeof claimsSchema>;

export async function checkPreparation(fixture: Fixture, checks: Checks): Promise<void> {
  const found = Object.fromEntries(Object.keys(claimsSchema.shape).map((key) => [key, fixture.entry(key)]));
  const parsed = claimsSchema.safeParse(found);
  if (!parsed.success) throw new NotUnderstood(z.prettifyError(parsed.error));
  if (fixture.folder === undefined) throw new NotUnderstood(`it has no folder ${fixture.name}/ of raw files`);
  const claims = parsed.data;
  const out = mkdtempSync(join(tmpdir(), 'tributary-parity-'));
  try {
    const config = await recipeConfig(fixture.folder, claims);
    await prepare({ config, sourceFolder: fixture.folder, out: join(out, 'data') });
    const data = await openPrepared(join(out, 'data'));
    const tokens = await Promise.all(data.manifest.fields.map(({ name }) => data.tokens(name)));
    checkVocabulary(checks, claims, tokens);
    for (const part of PARTS) await checkPart(fixture, checks, claims, data, tokens, part);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The recipe of the files, with the fixture's threshold and, as in the authors' code, tokens of all parts. */
async function recipeConfig(folder: string, { threshold, fields }: Claims): Promise<DatasetConfig> {
  const present = new Set(readdirSync(folder));
  const fitting = Object.values(recipes).filter(
    ({ files }) => files.length > 0 && files.every(({ path }) => present.has(path)),
  );
  if (fitting.length === 0) throw new NotUnderstood(`no recipe for these files: ${some([...present].sort())}`);
  const [recipe] = fitting.sort((a, b) => b.files.length - a.files.length);
  const config = datasetSchema.parse(await recipe.prepareConfig(folder));
  if (config.fields.length !== fields.length)
    throw new NotUnderstood(
      `the recipe ${recipe.key} has ${config.fields.length} fields, the fixture ${fields.length}`,
    );
  return { ...config, vocabulary: { from: 'all', minCount: threshold } };
}

/** A token of the reference in our notation. */
const ourToken = (token: string): string => token.replace(/^(-?\d+)\.0$/, '$1');

/** Fields are the same in number and order; ours may have other names. */
function checkVocabulary(checks: Checks, claims: Claims, tokens: string[][]): void {
  let first = 0;
  claims.fields.forEach((field, i) => {
    const expected = claims.vocabulary[field] ?? {};
    checks.equal(
      `tokens of ${field}`,
      tokens[i].slice(RESERVED_IDS).sort(),
      Object.keys(expected).map(ourToken).sort(),
    );
    checks.equal(
      `kept_tokens_per_field.${field}`,
      tokens[i].length - RESERVED_IDS,
      claims.kept_tokens_per_field[field],
    );
    // The range of the field's ids in the reference: by our counts, after those of earlier fields.
    checks.equal(`first_id_per_field.${field}`, first, claims.first_id_per_field[field]);
    first += tokens[i].length - RESERVED_IDS + Number(claims.has_oov_slot[field]);
    checks.equal(`end_id_per_field.${field}`, first, claims.end_id_per_field[field]);
  });
  checks.equal('ids_used', first, claims.ids_used);
  const official = tokens.reduce((sum, kept) => sum + kept.length - RESERVED_IDS + 1, 0);
  checks.equal('embedding_rows_official', official, claims.embedding_rows_official);
}

const PARTS = [
  { part: 'train', split: 'train' },
  { part: 'valid', split: 'validation' },
  { part: 'test', split: 'test' },
] as const;

async function checkPart(
  fixture: Fixture,
  checks: Checks,
  claims: Claims,
  data: PreparedData,
  tokens: string[][],
  { part, split }: (typeof PARTS)[number],
): Promise<void> {
  const { fields, tasks } = data.manifest;
  const reader = await data.open(split);
  try {
    const rows = fixture.tensor(`${part}.ids`).shape[0];
    checks.equal(`rows of ${part}`, reader.rows, rows);
    if (reader.rows !== rows || rows === 0) return;
    const batch = await wholeSplit(reader);
    checks.close(`${part}.scenario`, batch.scenario, fixture.ints(`${part}.scenario`, [rows]), EXACT);
    checks.close(`${part}.labels`, batch.labels, fixture.floats(`${part}.labels`, [rows, tasks.length]), EXACT);
    checkIds(checks, claims, `${part}.ids`, fixture.ints(`${part}.ids`, [rows, fields.length]), batch, data, tokens);
  } finally {
    await reader.close();
  }
}

/** Each id must have the same token on both sides, or none on both. */
function checkIds(
  checks: Checks,
  claims: Claims,
  name: string,
  expected: Int32Array,
  batch: Batch,
  data: PreparedData,
  tokens: string[][],
): void {
  const { fields } = data.manifest;
  const reference = claims.fields.map(
    (field) => new Map(Object.entries(claims.vocabulary[field] ?? {}).map(([token, id]) => [id, ourToken(token)])),
  );
  for (const [i, { offset }] of fields.entries()) {
    let differing = 0;
    let where = '';
    for (let row = 0; row < batch.size; row++) {
      const id = batch.ids[row * fields.length + i] - offset;
      const ours = id === OUT_OF_VOCABULARY_ID ? 'none' : tokens[i][id];
      const theirs = reference[i].get(expected[row * fields.length + i]) ?? 'none';
      if (ours !== theirs && differing++ === 0) where = `: row ${row} has ${ours}, expected ${theirs}`;
    }
    checks.record(differing === 0 ? 0 : Number.POSITIVE_INFINITY, `${name} of ${claims.fields[i]}${where}`);
  }
}
