/** Turns the verdict of the flow test into the flow table of a model, when a run is created. */
import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { error } from '../../base/errors/index.ts';
import { readText } from '../../base/files.ts';
import type { RunConfig } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { FLOW_NAMES, type FlowDocument, flowDocumentSchema } from '../../documents/flows.ts';
import type { PartSeconds } from '../../documents/parts.ts';
import { FLOW_TEST, flowOptions, pairName, testLabels } from '../../flows/index.ts';
import { modelSizes } from '../../inference/model/sizes.ts';
import type { FlowTable } from '../../model/contract.ts';
import { isActive, openTable } from '../../model/flow-table.ts';
import { findModel } from '../../model/registry.ts';
import { timed } from '../run/clock.ts';
import { chooseStructure, type Structures } from './choose.ts';

/** Training rows that are tested: more than `flows --test` reads, since a weak flow that is not found is not in the model. */
const TESTED_ROWS = 200_000;

/** A configuration with its flow table, and the verdict that it comes from. */
interface Built {
  config: RunConfig;
  verdict?: FlowDocument;
}

/**
 * The configuration with its flow table, if the model names one (`test`, `open` or a file), and the source document. The table is that
 * of the verdict unless validation rows speak for another one, see chooseStructure.
 *
 * @throws FLOWS_FILE; errors of testLabels
 */
export async function withFlowTable(config: RunConfig, data: PreparedData): Promise<Built> {
  const { flowTable } = findModel(config.model.key);
  const source = flowTable?.source(config.model);
  if (flowTable === undefined || source === undefined) return { config };
  const use = (table: FlowTable): RunConfig => ({
    ...config,
    model: flowTable.take(config.model, table) as RunConfig['model'],
  });
  if (source === 'open') return { config: use(openTable(modelSizes(data.manifest))) };
  const { table, verdict } = await decide(source, use, data);
  return { config: use(table), verdict };
}

interface Decision {
  table: FlowTable;
  verdict: FlowDocument;
}

/** Decisions made, by data set and configuration: the runs of a comparison that differ only in their seed wait for one. */
const decisions = new WeakMap<PreparedData, Map<string, Promise<Decision>>>();

/** The decision does not depend on the seed: neither the test nor the choice takes that of the run. */
function decide(source: string, use: (table: FlowTable) => RunConfig, data: PreparedData): Promise<Decision> {
  const open = openTable(modelSizes(data.manifest));
  const key = JSON.stringify([source, { ...use(open), seed: 0 }]);
  const made = decisions.get(data) ?? new Map<string, Promise<Decision>>();
  decisions.set(data, made);
  const known = made.get(key);
  if (known !== undefined && source === 'test') return known; // a file may have changed
  const decision = testAndChoose(source, use, data, open);
  made.set(key, decision);
  return decision;
}

async function testAndChoose(
  source: string,
  use: (table: FlowTable) => RunConfig,
  data: PreparedData,
  open: FlowTable,
): Promise<Decision> {
  const started = performance.now();
  const parts: PartSeconds = {};
  const verdict = await timed(parts, 'flow test', async () =>
    source === 'test'
      ? testLabels(data, { ...flowOptions.parse({}), ...FLOW_TEST, rows: TESTED_ROWS })
      : readVerdict(source, data),
  );
  const names = data.manifest.fields.map(({ name }) => name);
  const structures = structuresOf(tableOf(verdict, names), open);
  // Models that select flows have phases of their own: they take the verdict as it is.
  const isFixed = structures.length === 1 || findModel(use(open).model.key).flowSelection !== undefined;
  const { table, choice } = isFixed
    ? { table: structures.find(({ structure }) => structure === 'verdict')?.table ?? open, choice: undefined }
    : await timed(parts, 'choice of the structure', () => chooseStructure(structures, use, data));
  const processorSeconds = Object.values(parts).reduce((sum, own) => sum + own, 0);
  const cost = { seconds: (performance.now() - started) / 1000, processorSeconds, parts };
  const { structure: _, ...tested } = verdict; // a file may hold the choice of another run
  return { table, verdict: { ...tested, cost, ...(choice && { structure: choice }) } };
}

/** The structures to choose from, the open one first. */
function structuresOf(table: FlowTable | undefined, open: FlowTable): Structures {
  const shared = table && { fields: [open.fields[0], ...table.fields.slice(1)], cells: table.cells };
  const all: [Structures[number]['structure'], FlowTable | undefined][] = [
    ['keep all', open],
    ['verdict', table],
    ['verdict, all fields shared', shared],
  ];
  const possible = all.flatMap(([structure, of]) =>
    of?.fields.some((_, k) => isActive(of, k)) ? [{ structure, table: of }] : [],
  );
  return possible.filter(({ table }, i) => possible.findIndex((other) => isDeepStrictEqual(other.table, table)) === i);
}

/** The table of a verdict for data with these fields; undefined if the test found no field that feeds a flow. */
export function tableOf(
  { scenarios, tasks, flows, fields, orderedTasks }: FlowDocument,
  names: readonly string[],
): FlowTable | undefined {
  if (fields.every(({ reads }) => !reads.some(Boolean))) return undefined;
  const useless = new Set(
    flows.filter(({ verdict }) => verdict === 'useless').map(({ scenario, task, flow }) => key(scenario, task, flow)),
  );
  const isOpen = (scenario: string, task: string, k: number): boolean => !useless.has(key(scenario, task, k + 1));
  return {
    fields: FLOW_NAMES.map((_, k) => {
      const read = fields.filter(({ reads }) => reads[k]).map(({ field }) => field);
      return names.filter((name) => read.includes(name) || names.some((other) => isPairOf(read, name, other)));
    }),
    // A conditional task was tested only on rows where the previous task is positive. Its probability is the product over all tasks
    // up to it, so a flow that reaches one of them reaches it.
    cells: FLOW_NAMES.map((_, k) =>
      scenarios.map((scenario) =>
        tasks.map((task, t) =>
          (orderedTasks ? tasks.slice(0, t + 1) : [task]).some((one) => isOpen(scenario, one, k)) ? 1 : 0,
        ),
      ),
    ),
  };
}

/** Is one of the terms a product of two fields? A stream reads both. */
const isPairOf = (terms: readonly string[], a: string, b: string): boolean =>
  terms.includes(pairName(a, b)) || terms.includes(pairName(b, a));

const key = (scenario: string, task: string, flow: number): string => JSON.stringify([scenario, task, flow]);

/** The last line of the output of `flows --test --json`, or the document itself. */
function readVerdict(path: string, { manifest }: PreparedData): FlowDocument {
  if (!existsSync(path)) throw error('FLOWS_FILE', { path, problem: 'there is no such file' });
  const fail = (problem: string): never => {
    throw error('FLOWS_FILE', { path, problem });
  };
  const text = readText(path, 'a verdict on flows (JSON)').trim();
  const line = text.startsWith('{\n') ? text : (text.split('\n').at(-1) as string);
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    return fail('its last line is not JSON');
  }
  const { event, ...document } = Object(content) as Record<string, unknown>;
  const parsed = flowDocumentSchema.safeParse(document);
  if (!parsed.success)
    return fail(
      `it does not fit the schema: ${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`,
    );
  const names = (list: readonly string[]): string => list.join(', ');
  for (const what of ['scenarios', 'tasks'] as const)
    if (names(parsed.data[what]) !== names(manifest[what]))
      return fail(`its ${what} are ${names(parsed.data[what])}, those of the data ${names(manifest[what])}`);
  return parsed.data;
}
