/** Models of a user: registered by a program, or from a module file. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { TributaryError } from '../../src/base/errors/index.ts';
import { loadRunConfig } from '../../src/config/load.ts';
import type { Manifest } from '../../src/data/prepared/prepared.ts';
import { inferenceGraph } from '../../src/inference/graphs/forward.ts';
import { parameter } from '../../src/model/layers/layer.ts';
import { network } from '../../src/model/network.ts';
import { findModel, models, registerModel, unregisterModel } from '../../src/model/registry.ts';
import { runProblems } from '../../src/train/run/new-run.ts';
import own from './own-model.ts';
import { setupOf } from './support.ts';

// Files share a process: others list the models.
afterEach(() => ['wide-deep', 'logistic'].forEach(unregisterModel));

const folder = mkdtempSync(join(tmpdir(), 'models-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

async function codeOf(work: () => unknown): Promise<[string, string]> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof TributaryError) return [cause.code, cause.message];
    throw cause;
  }
  return ['none', ''];
}

const named = (key: string) => ({ ...own, key, options: own.options }) as typeof own;

test('a registered model is built like those of the zoo; without a file it cannot be trained', () => {
  registerModel(own);
  const setup = setupOf(findModel('wide-deep'), { embeddingDim: 2 }, { fields: 3, scenarios: 2, tasks: 2 }, 'train');
  expect(inferenceGraph(setup).outputs).toEqual([{ name: 'logits', shape: ['B', 2], type: 'float32' }]);
  const config = { model: { key: 'wide-deep' }, train: { taskWeights: {} } } as unknown as Parameters<
    typeof runProblems
  >[0];
  const manifest = { fields: [], scenarios: [], tasks: [] } as unknown as Manifest;
  expect(runProblems(config, manifest).map(({ path }) => path)).toContain('modelFiles');
});

test.each([
  [
    'a key that is taken',
    () => ({ ...own, key: 'mmoe', options: findModel('mmoe').options }),
    'MODEL_EXISTS',
    '"mmoe"',
  ],
  ['a key with capitals', () => named('Mine'), 'MODEL_INVALID', 'key: expected small letters'],
  ['options of another key', () => named('mine'), 'MODEL_INVALID', 'options.key: '],
  ['no build', () => ({ ...own, build: undefined }), 'MODEL_INVALID', 'build: expected a function'],
  ['options that are no schema', () => ({ ...own, options: {} }), 'MODEL_INVALID', 'options: expected a zod schema'],
  [
    'a build that throws',
    () => ({
      ...own,
      build: () => {
        throw new Error('no such field');
      },
    }),
    'MODEL_INVALID',
    'no such field',
  ],
  [
    'a name twice, and one of an input',
    () => ({
      ...own,
      build: () => {
        const [a, b] = ['labels', 'labels'].map((name) => parameter(name, [1], { kind: 'zeros' }));
        return network([a, b], (step) => ({ logits: step.embedding }));
      },
    }),
    'MODEL_INVALID',
    'two parameters are called "labels"',
  ],
  [
    'flow gates without logits',
    () => ({ ...own, flowSelection: { flows: ['a'], isGateParameter: () => false } }),
    'MODEL_INVALID',
    'expected gateLogits',
  ],
])('refuses %s', async (_, definition, code, text) => {
  const found = await codeOf(() => registerModel(definition() as never));
  expect(found).toEqual([code, expect.stringContaining(text)]);
});

const MODULE = `
import { z } from 'zod';
import { commonOptions, defineModel, inputWidth, linear, network } from 'tributary-ranker';
export default defineModel({
  key: 'logistic',
  title: 'Logistic regression',
  paper: 'none',
  purpose: 'One layer.',
  options: z.strictObject({ key: z.literal('logistic').default('logistic'), ...commonOptions }),
  presets: {},
  build(options: { embeddingDim: number; dropout: number }, sizes) {
    const answer = linear('answer.0', { inputs: inputWidth(options, sizes), outputs: sizes.tasks });
    return network([answer], (step) => ({ logits: answer(step.embedding, step) }));
  },
});
`;

test('a configuration may name a module file, whose model it is then checked by', async () => {
  const modelFiles = [file('logistic.ts', MODULE)];
  const config = { model: { key: 'logistic', embeddingDim: 3 }, modelFiles };
  expect((await loadRunConfig({ models, config })).model).toEqual({ key: 'logistic', embeddingDim: 3, dropout: 0 });
  const wrong = { models, config, set: ['model.width=3'] };
  expect(await codeOf(() => loadRunConfig(wrong))).toEqual(['CONFIG_INVALID', expect.stringContaining('model.width')]);
});

test.each([
  ['no file', () => join(folder, 'nothing.ts'), 'it does not exist'],
  ['nothing exported', () => file('empty.ts', 'export const a = 1;'), 'it has no default export'],
  [
    'an import that is not there',
    () => file('lost.ts', "import 'no-such-package';\nexport default {};"),
    'no-such-package',
  ],
  ['a syntax error', () => file('broken.ts', 'export default {'), ''],
])('names what is wrong with a model file: %s', async (_, path, text) => {
  const found = await codeOf(() => models.loadFiles([path()]));
  expect(found).toEqual(['MODEL_FILE_UNREADABLE', expect.stringContaining(text)]);
});

test('the example of docs/adding-a-model.md is the model of this test, and loads from a lone file', async () => {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readFileSync('docs/adding-a-model.md', 'utf8')) ?? [];
  const here = readFileSync(join(import.meta.dirname, 'own-model.ts'), 'utf8');
  expect(example).toBe(here.replaceAll(/'\.\.\/\.\.\/src\/(\w+)\/index\.ts'/g, "'tributary-ranker/$1'"));
  await models.loadFiles([file('wide-deep.ts', example)]);
  expect(findModel('wide-deep').title).toBe('Wide and deep');
});

test('names what is wrong with a definition of a model file', async () => {
  const found = await codeOf(() => models.loadFiles([file('half.ts', "export default { key: 'half' };")]));
  expect(found).toEqual(['MODEL_INVALID', expect.stringMatching(/half\.ts[\s\S]*build: expected a function/)]);
});
