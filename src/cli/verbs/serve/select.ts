import { type Command, InvalidArgumentError } from 'commander';
import { numberOf } from '../../../evaluate/index.ts';
import type { Exported } from '../../../export/export.ts';
import { lossesOf, lossOf, type Selection } from '../../../export/select/select.ts';
import { selectRun } from '../../../export/select/select-run.ts';
import type { ServingGraph } from '../../../inference/graphs/serving.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { checkpointNote } from '../../checkpoint.ts';
import { helpEnd } from '../../help.ts';
import { backendOption, checkpointOption, dataOption, jsonOption, RequiredOption } from '../../options.ts';
import { columns, count, duration, print, printJson } from '../../output.ts';
import { type Score, scoreLines, scoreOption } from '../../score.ts';

interface Options {
  out: string;
  epsilon: number;
  budget: number;
  int8?: boolean;
  name?: string;
  score?: Score;
  data?: string;
  checkpoint?: string;
  backend?: SessionOptions['backend'];
  json?: boolean;
}

export function select(program: Command): void {
  const verb = program
    .command('select')
    .summary('make an artifact with a smaller graph for each scenario')
    .description(
      'Leaves out of each scenario what its rows never use: heads and experts of others, flows that are always removed, ' +
        'and the gate network where all gates are constant. Every answer is held against the model before anything is written.',
    )
    .argument('<run>', 'the run folder')
    .addOption(new RequiredOption('--out <dir>', 'the artifact to write, new or empty'))
    .option(
      '--epsilon <rate>',
      'take rates of gates below it for never, and rates above 1 - epsilon for always: changes answers',
      number(0, 0.5),
      0,
    )
    .option('--budget <auc>', 'mean AUC on validation rows that changed answers may cost', number(0, 1), 0.0005)
    .option('--int8', 'store large weights in eight bits: changes answers')
    .option('--name <name>', 'what requests call the model (default: MODEL-DATASET)')
    .addOption(scoreOption())
    .addOption(dataOption())
    .addOption(checkpointOption())
    .addOption(backendOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary select runs/autoifs-ml-1m-1 --out artifacts/ml-1m',
      'tributary select runs/autoifs-ml-1m-1 --out artifacts/ml-1m-small --epsilon 0.01 --budget 0.0002',
      "tributary select runs/autoifs-shop-1 --out artifacts/shop --score 'click * 0.3 + buy' --score 'search=click'",
    ],
    ['data', 'artifact'],
  );
}

/** A number from `least` up to, and not, `limit`. */
const number =
  (least: number, limit: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value < limit))
      throw new InvalidArgumentError(`Expected a number from ${least} up to, and not, ${limit}.`);
    return value;
  };

async function run(folder: string, { json, ...options }: Options): Promise<void> {
  const started = performance.now();
  const onStep = (step: string): void => (json ? printJson({ event: 'step', step }) : print(step));
  const { selection, exported } = await selectRun(folder, {
    ...options,
    onStep,
    onCheckpoint: checkpointNote(folder, json),
  });
  const seconds = (performance.now() - started) / 1000;
  if (json) printResult(folder, options.out, selection, exported, seconds);
  else print(report(options.out, selection, exported, seconds));
}

function report(out: string, selection: Selection, { manifest }: Exported, seconds: number): string {
  const { name, id, data, score } = manifest;
  return [
    '',
    ...graphTable(selection, data.scenarios),
    '',
    ...decided(selection),
    ...compared(selection),
    ...(selection.kind === 'lossy'
      ? ['', 'AUC that each cell loses on validation rows:', ...lossTable(selection)]
      : []),
    '',
    ...scoreLines(score),
    `wrote ${name} ${id} to ${out} (${duration(seconds)})`,
  ].join('\n');
}

const less = (before: number, after: number): string => `${(100 * (1 - after / before)).toFixed(1)} %`;

function graphTable({ graphs, latency }: Selection, scenarios: readonly string[]): string[] {
  const { before } = graphs;
  const line = (what: string, graph: ServingGraph, time: string[]): string[] => [
    what,
    count(graph.multiplyAdds),
    graph === before ? '' : less(before.multiplyAdds, graph.multiplyAdds),
    count(graph.parameters),
    count(graph.bytes.length),
    graph.tables.join(', '),
    ...time,
  ];
  const milliseconds = (own: Selection['latency'][number]): string[] =>
    own === null ? ['-', '-'] : [own.before.toFixed(3), own.after.toFixed(3)];
  const head = ['graph', 'multiply-adds', 'fewer', 'parameters', 'bytes', 'tables', 'ms before', 'ms after'];
  return columns(
    [
      head,
      line('the model as it is', before, ['', '']),
      line('all scenarios', graphs.joint, ['', '']),
      ...scenarios.map((scenario, s) => line(scenario, graphs.scenarios[s], milliseconds(latency[s]))),
    ],
    [1, 2, 3, 4, 6, 7],
  ).concat('ms: median of a batch of 100 rows of the scenario, on one thread; before: the model as it is');
}

function decided({ decisions, counts, epsilon }: Selection): string[] {
  const lines = Object.entries(decisions).map(([name, perScenario]) => {
    const open = perScenario.map((own) => own.filter((value) => value === null).length);
    return `${name}: of ${perScenario[0].length} a scenario, ${open.join(', ')} are left to each row`;
  });
  const rows = counts.rows.reduce((sum, n) => sum + n, 0);
  const how = epsilon === 0 ? '' : `; rates within ${epsilon} of never or always were taken for these`;
  return lines.length === 0 ? [] : [`Measured on ${count(rows)} training and validation rows${how}:`, ...lines, ''];
}

const compared = ({ proof, unseen }: Selection): string[] =>
  [proof, unseen].map(({ split, rows, differing, largest, before, after }) => {
    const auc = [before, after].map(({ macro }) => numberOf(macro.auc)?.toFixed(6) ?? '-');
    const error = [before, after].map(({ macro }) => numberOf(macro.calibrationError)?.toFixed(5) ?? '-');
    const seen = split === 'test' ? ' (not measured)' : '';
    return (
      `${split} rows${seen}: ${count(differing)} of ${count(rows)} answered differently, by at most ${largest.toExponential(1)}; ` +
      `mean AUC ${auc.join(' -> ')}, calibration error ${error.join(' -> ')}`
    );
  });

function lossTable({ proof }: Selection): string[] {
  const lines = lossesOf(proof).map(({ scenario, task, loss }) => [scenario, task, loss.toFixed(6)]);
  return columns([['scenario', 'task', 'loss'], ...lines], [2]);
}

function printResult(run: string, out: string, selection: Selection, { manifest }: Exported, seconds: number): void {
  const { graphs, proof } = selection;
  const shown = ({ scenario, multiplyAdds, parameters, bytes, tables }: ServingGraph) => ({
    ...(scenario !== undefined && { scenario: manifest.data.scenarios[scenario] }),
    multiplyAdds,
    parameters,
    bytes: bytes.length,
    tables,
  });
  printJson({
    event: 'result',
    run,
    out,
    name: manifest.name,
    id: manifest.id,
    ...manifest.selection,
    score: manifest.score,
    loss: { mean: lossOf(proof), cells: lossesOf(proof) },
    graphs: { before: shown(graphs.before), joint: shown(graphs.joint), scenarios: graphs.scenarios.map(shown) },
    seconds,
  });
}
