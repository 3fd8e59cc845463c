/** Runs the laws that every model of the zoo keeps, on small sizes. A model gives its cases and what only it can know. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layouts } from '../../src/interop/registry.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../../src/model/contract.ts';
import { networkOf } from '../../src/model/network.ts';
import * as laws from './laws.ts';
import { holdsAt, mapsOneToOne, tellsTasksApart } from './laws-at-any-sizes.ts';
import { open, phasesOf, type Subject, setupOf } from './support.ts';

export type { Owner } from './laws.ts';

export interface ModelCase {
  title: string;
  /** Options that differ from the defaults; keep widths below 10, so that finite differences stay quick. */
  options: Record<string, unknown>;
  sizes: ModelSizes;
}

export interface ModelCases {
  /** The first is what the quick tests run: the model as most people use it. */
  cases: readonly ModelCase[];
  /** Which elements belong to one scenario only, or why the model has none. */
  scenarioOwner: laws.Owner | string;
  /** Options and sizes of any kind that the model allows, small: ones among them, no dropout. */
  anySizes: fc.Arbitrary<{ options: Record<string, unknown>; sizes: ModelSizes }>;
}

type Definition = ModelDefinition<CommonOptions>;

/** The laws on each of some cases. */
export function keepsTheLaws(
  model: Definition,
  cases: readonly ModelCase[],
  scenarioOwner: ModelCases['scenarioOwner'],
): void {
  describe.each(cases)(`${model.key}: $title`, ({ options, sizes }) => {
    describe.each(phasesOf(model))('%s', (phase) => {
      let subject: Subject;
      beforeAll(async () => {
        subject = await open(setupOf(model, options, sizes, phase));
      });
      afterAll(() => subject?.release());

      test('gives finite logits, one a row and task', () => laws.givesLogits(subject));
      test('has the gradients that finite differences give', () => laws.hasGradients(subject));
      test('uses each of its parameters', () => laws.usesItsParameters(subject));
      test('gives the rows of a permuted batch permuted logits', () => laws.permutesRows(subject));
      if (typeof scenarioOwner === 'function')
        test("leaves a row alone when another scenario's own parameters change", () =>
          laws.keepsScenariosApart(subject, scenarioOwner));
      else test.skip(`has no parameters of one scenario: ${scenarioOwner}`, () => {});
      if (sizes.sequences !== undefined)
        test('ignores what stands at padded places of sequences', () => laws.ignoresPadding(subject));
      test('scores a row alone as in a batch', () => laws.scoresRowsAlone(subject));
      test('exports a graph that agrees with the training graph at any batch', () => laws.exportsItself(subject));
      test('trains to the same bits from the same seed', () => laws.repeats(subject));
      test('can learn 32 rows by heart', () => laws.overfits(subject));
      test('gives the same logits from saved and loaded parameters', () => laws.survivesSaving(subject));
    });
  });
}

/** Saved runs and imported weights are found by these names: change the file only together with a way to read old runs. */
export function keepsItsNames(model: Definition): void {
  test(`${model.key} names its parameters as before`, () => {
    const sequences = { types: 3, length: 5, itemField: 1 };
    const setup = setupOf(model, {}, { fields: 8, scenarios: 3, tasks: 2, sequences }, phasesOf(model)[0]);
    const list = networkOf(model, setup.options, setup.sizes).parameters;
    expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
    const golden = join(import.meta.dirname, `golden/${model.key}.json`);
    const found = list.map(({ name, shape, group }) => ({ name, shape, group }));
    if (process.env.UPDATE_GOLDEN === '1')
      writeFileSync(golden, `[${found.map((one) => `\n  ${JSON.stringify(one)}`).join()}\n]\n`);
    expect(found).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
  });
}

/** What is tried at random sizes, and what takes long. */
export function keepsTheLawsAtAnySizes(model: Definition, { cases, anySizes }: ModelCases): void {
  describe(model.key, () => {
    test.each(phasesOf(model))('holds at any sizes: %s', async (phase) => {
      const property = fc.asyncProperty(anySizes, ({ options, sizes }) =>
        holdsAt(setupOf(model, options, sizes, phase)),
      );
      await fc.assert(property, { numRuns: 5, seed: 11 });
    });

    test.each(phasesOf(model))('tells the tasks apart for those who weigh them: %s', (phase) =>
      tellsTasksApart(setupOf(model, cases[0].options, cases[0].sizes, phase)),
    );

    test.skipIf(!layouts.has(model.key))('gives every number of the reference one place', () => {
      const property = fc.property(anySizes, ({ options, sizes }) =>
        mapsOneToOne(setupOf(model, options, sizes, 'train')),
      );
      fc.assert(property, { numRuns: 60, seed: 7 });
    });
  });
}
