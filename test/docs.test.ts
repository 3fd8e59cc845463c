import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildProgram } from '../src/cli/program.ts';
import { compareSchema } from '../src/config/compare.ts';
import { loadDatasetConfig, loadRunConfig } from '../src/config/load.ts';
import { loadTuneConfig } from '../src/config/load-tune.ts';
import * as library from '../src/index.ts';
import { verbsOf } from './cli/support.ts';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const textOf = (page: string): string => readFileSync(page, 'utf8');

/** Contents of a page's code blocks of a language. */
const blocks = (page: string, language: string): string[] =>
  [...textOf(page).matchAll(/^```(\w+)\n(.*?)^```/gms)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code);

test('the examples of configurations are valid', async () => {
  const [dataset] = blocks('docs/data.md', 'yaml');
  expect((await loadDatasetConfig(parse(dataset))).tasks.map(({ name }) => name)).toEqual(['click', 'buy']);
  const [run] = blocks('docs/training.md', 'yaml');
  expect((await loadRunConfig({ models: library.models, config: parse(run) })).train.schedule.kind).toBe('cosine');
  const [tune] = blocks('docs/tune.md', 'yaml');
  expect((await loadTuneConfig(parse(tune), { models: library.models })).method).toMatchObject({
    kind: 'tpe',
    startTrials: 10,
  });
  const [compare] = blocks('docs/compare.md', 'yaml');
  const comparison = await library.loadComparisonConfig(parse(compare), library.models);
  expect(comparison.models.map(({ label }) => label)).toEqual([
    'mmoe',
    'ple',
    'autoifs',
    'autoifs without selection=random',
    'autoifs without selection=keep',
    'autoifs without selection=remove',
    'autoifs without LoRA',
    'single-task (one task)',
    'shared-bottom (one scenario)',
  ]);
});

test('every option of a comparison is on its page', () => {
  const page = textOf('docs/compare.md');
  for (const option of Object.keys(compareSchema.shape)) expect(page, option).toMatch(new RegExp(`[\`]${option}[\`.]`));
});

test('every option of a run and of a data set is on its page', async () => {
  const run = await loadRunConfig({ models: library.models, config: { model: { key: 'autoifs' } } });
  const page = textOf('docs/training.md');
  for (const option of Object.keys(run.train)) expect(page, option).toMatch(new RegExp(`[\`.]${option}[\`.]`));
});

test('commands in the pages are command lines that the program takes', async () => {
  const verbs = verbsOf(await buildProgram());
  const lines = pages.flatMap((page) => blocks(page, 'sh').flatMap((block) => block.split('\n')));
  const commands = lines.filter((line) => line.startsWith('tributary '));
  expect(commands.length).toBeGreaterThan(10);
  for (const line of commands) {
    const words = line.replace(/ +#.*/, '').split(/\s+/).slice(1);
    const verb = verbs.find((candidate) => candidate.words.every((word, i) => word === words[i]));
    expect(verb?.command.parseOptions(words), line).toMatchObject({ unknown: [] });
  }
});

test('npm scripts that the pages name exist', () => {
  const { scripts } = JSON.parse(textOf('package.json'));
  for (const page of pages)
    for (const [, script] of textOf(page).matchAll(/npm run ([\w:]+)/g))
      expect(scripts, `${page}: ${script}`).toHaveProperty([script]);
});

test('links to files lead somewhere', () => {
  for (const page of pages)
    for (const [, target] of textOf(page).matchAll(/\]\((?!https?:)([^)#]+)/g))
      expect(existsSync(join(dirname(page), target)), `${page}: ${target}`).toBe(true);
});

test("the README's library example uses names that the library has", () => {
  const [example] = blocks('README.md', 'ts');
  const names =
    /import \{([^}]*)\} from 'tributary-ranker'/
      .exec(example)?.[1]
      .split(',')
      .map((name) => name.trim()) ?? [];
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) expect(library).toHaveProperty(name);
});

test('docs/dependencies.md lists every dependency with its version', () => {
  const { dependencies, devDependencies } = JSON.parse(textOf('package.json'));
  const page = textOf('docs/dependencies.md');
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    const line = page.split('\n').find((text) => text.includes(`\`${name}\``));
    expect(line, name).toContain(version);
  }
});
