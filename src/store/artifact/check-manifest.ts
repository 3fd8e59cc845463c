/** Checks that a manifest is consistent: indices, sizes and names that its schema cannot relate. */
import { canonicalJson, sha256 } from '../../base/hash.ts';
import { fieldSchema } from '../../config/dataset/fields.ts';
import type { ArtifactManifest } from './manifest.ts';
import { RESERVED_IDS } from './paths.ts';

/** Identifies the contents of an artifact: equal for equal contents, regardless of name, creation time and author. */
export const artifactId = ({
  data,
  model,
  graphs,
  flows,
  tables,
  calibration,
  score,
  files,
}: Omit<ArtifactManifest, 'id'>): string =>
  sha256(canonicalJson({ data, model, graphs, flows, tables, calibration, score, files })).slice(0, 12);

/** Describes what is inconsistent; empty if nothing is. */
export function manifestProblems(manifest: ArtifactManifest): string[] {
  return [
    ...fieldProblems(manifest),
    ...graphProblems(manifest),
    ...tableProblems(manifest),
    ...calibrationProblems(manifest),
    ...fileProblems(manifest),
    ...(manifest.id === artifactId(manifest) ? [] : [`id: its content has the id ${artifactId(manifest)}`]),
  ];
}

function fieldProblems({ data }: ArtifactManifest): string[] {
  const problems: string[] = [];
  let offset = 0;
  for (const field of data.fields) {
    const { name, kind, size, vocabulary } = field;
    const config = fieldSchema.safeParse(field.config);
    if (!config.success) problems.push(`field ${name}: its configuration is not one`);
    else if (config.data.name !== name || config.data.kind !== kind)
      problems.push(`field ${name} (${kind}): configured as ${config.data.name} (${config.data.kind})`);
    else if ((vocabulary === undefined) !== ('hash' in config.data && config.data.hash !== undefined))
      problems.push(`field ${name}: expected either a vocabulary or hashing`);
    if (field.offset !== offset)
      problems.push(`field ${name} begins at ${field.offset}, the one before it ends at ${offset}`);
    if (size < RESERVED_IDS) problems.push(`field ${name} has ${size} ids, ${RESERVED_IDS} are reserved`);
    if (kind !== 'multi' && field.slots !== 1) problems.push(`field ${name} (${kind}) has ${field.slots} slots`);
    problems.push(...rateProblems(field, data));
    offset += size;
  }
  if (offset !== data.tableRows) problems.push(`the fields have ${offset} ids, the table ${data.tableRows} rows`);
  for (const [what, names] of [
    ['field', [...data.fields.map(({ name }) => name), ...(data.unreadFields ?? [])]],
    ['scenario', data.scenarios],
    ['task', data.tasks],
  ] as const)
    if (new Set(names).size !== names.length) problems.push(`two ${what}s have the same name`);
  const { sequences, scenarioFields } = data;
  if (scenarioFields !== undefined) {
    const unknown = scenarioFields.names.filter((name) => !data.fields.some((field) => field.name === name));
    problems.push(...unknown.map((name) => `${name} is said to be the scenario, but is no field`));
    if (scenarioFields.values.length !== data.scenarios.length)
      problems.push(`${scenarioFields.values.length} values of scenarios, expected ${data.scenarios.length}`);
  }
  if (sequences !== undefined && !data.fields.some(({ name }) => name === sequences.itemField))
    problems.push(`sequences are of ${sequences.itemField}, which is no field`);
  return problems;
}

/** A rate has a table, and is of fields that have values. */
function rateProblems(
  { name, kind, size, rates, table }: ArtifactManifest['data']['fields'][number],
  { fields }: ArtifactManifest['data'],
): string[] {
  if ((kind === 'rate') !== (rates !== undefined && table !== undefined))
    return [`field ${name} (${kind}): expected rates and a table of rates, and of other fields none`];
  if (rates === undefined) return [];
  const isValue = (of: string): boolean => fields.some((field) => field.name === of && field.rates === undefined);
  return [
    ...rates.of
      .filter((of) => !isValue(of))
      .map((of) => `field ${name} is the rate of ${of}, which is no field with values`),
    ...(rates.unknown < size ? [] : [`field ${name} has ${size} ids, rows without a rate get ${rates.unknown}`]),
  ];
}

function graphProblems({ graphs, flows, data, tables }: ArtifactManifest): string[] {
  const known = tables.map(({ name }) => name);
  const unknown = (flows?.tables ?? []).filter((name) => !known.includes(name));
  return [
    ...unknown.map((name) => `${flows?.file}: there is no table ${name}`),
    ...graphs.flatMap(({ file, scenario, tables: read }, i) => [
      ...(i === 0 && scenario !== undefined ? ['the first graph must answer all scenarios'] : []),
      ...(i > 0 && (scenario === undefined || scenario >= data.scenarios.length)
        ? [`${file}: there is no scenario ${scenario}`]
        : []),
      ...(graphs.findIndex((other) => other.scenario === scenario) < i
        ? [`${file}: another graph answers its scenario`]
        : []),
      ...read.filter((name) => !known.includes(name)).map((name) => `${file}: there is no table ${name}`),
    ]),
  ];
}

function tableProblems({ tables, data, files }: ArtifactManifest): string[] {
  return tables.flatMap(({ name, file, rows, dimension }) => [
    ...(rows === data.tableRows ? [] : [`table ${name} has ${rows} rows, the fields have ${data.tableRows} ids`]),
    ...(files[file] === undefined || files[file].bytes === 4 * rows * dimension
      ? []
      : [`table ${name} has ${files[file].bytes} bytes, ${rows} x ${dimension} numbers take ${4 * rows * dimension}`]),
  ]);
}

function calibrationProblems({ calibration, data }: ArtifactManifest): string[] {
  const { scenarios, tasks } = data;
  if (calibration.length !== scenarios.length || calibration.some((row) => row.length !== tasks.length))
    return [`calibration: expected one entry for each of ${scenarios.length} scenarios and ${tasks.length} tasks`];
  const isRising = (numbers: readonly number[], strictly: boolean): boolean =>
    numbers.every((n, i) => i === 0 || (strictly ? n > numbers[i - 1] : n >= numbers[i - 1]));
  return calibration.flatMap((row, s) =>
    row.flatMap((cell, t) =>
      cell.kind === 'isotonic' &&
      (cell.x.length !== cell.y.length || !isRising(cell.x, true) || !isRising(cell.y, false))
        ? [
            `calibration of ${scenarios[s]}, ${tasks[t]}: expected rising logits and as many probabilities that do not fall`,
          ]
        : [],
    ),
  );
}

/** Checks that every file is used and every used file exists. */
function fileProblems({ files, graphs, flows, tables, data }: ArtifactManifest): string[] {
  const used = [
    'statistics.json',
    ...graphs.map(({ file }) => file),
    ...(flows === undefined ? [] : [flows.file]),
    ...tables.map(({ file }) => file),
    ...data.fields.flatMap(({ vocabulary, table }) => [vocabulary ?? [], table ?? []].flat()),
  ];
  return [
    ...used.filter((name) => !Object.hasOwn(files, name)).map((name) => `${name} is not among its files`),
    ...used.filter((name, i) => used.indexOf(name) < i).map((name) => `${name} is used twice`),
    ...Object.keys(files)
      .filter((name) => !used.includes(name))
      .map((name) => `${name} has no use`),
  ];
}
