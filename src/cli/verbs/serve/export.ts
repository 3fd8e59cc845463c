import { type Command, Option } from 'commander';
import { CALIBRATIONS, type CalibrationChoice } from '../../../export/calibrate/choose.ts';
import { type Exported, exportRun } from '../../../export/export.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import type { ArtifactManifest } from '../../../store/artifact/manifest.ts';
import { exportWeights } from '../../../train/exchange.ts';
import { checkpointNote } from '../../checkpoint.ts';
import { helpEnd } from '../../help.ts';
import { backendOption, checkpointOption, dataOption, jsonOption } from '../../options.ts';
import { columns, count, duration, print, printJson } from '../../output.ts';
import { type Score, scoreLines, scoreOption } from '../../score.ts';

interface Options {
  out?: string;
  name?: string;
  score?: Score;
  calibrate: CalibrationChoice;
  data?: string;
  checkpoint?: string;
  weights?: string;
  backend?: SessionOptions['backend'];
  json?: boolean;
}

export function exportVerb(program: Command): void {
  const verb = program
    .command('export')
    .summary('make an artifact of a run: all that a server needs')
    .description(
      'Writes a folder with ONNX graphs, embedding tables, vocabularies, calibration and score, verified as a server would. ' +
        "With --weights instead: a safetensors file with the names, shapes and orders of the model's authors.",
    )
    .argument('<run>', 'the run folder')
    .option('--out <dir>', 'the artifact to write, new or empty')
    .option('--name <name>', 'what requests call the model (default: MODEL-DATASET)')
    .addOption(scoreOption())
    .addOption(
      new Option(
        '--calibrate <kind>',
        'how logits become probabilities, fitted on the validation rows; auto: by cross-validated log loss',
      )
        .choices(CALIBRATIONS)
        .default('auto'),
    )
    .addOption(dataOption())
    .addOption(checkpointOption())
    .option('--weights <file>', 'write a safetensors file for `tributary import`, and no artifact')
    .addOption(backendOption())
    .addOption(jsonOption())
    .action((run: string, options: Options) => {
      if ((options.out === undefined) === (options.weights === undefined))
        verb.error('give either --out, for an artifact, or --weights');
      return options.weights === undefined ? artifact(run, options) : weights(run, options.weights, options);
    });
  helpEnd(
    verb,
    [
      'tributary export runs/autoifs-ml-1m-1 --out artifacts/ml-1m',
      "tributary export runs/autoifs-shop-1 --out artifacts/shop --score 'click * 0.3 + buy' --score 'search=click'",
      'tributary export runs/autoifs-ml-1m-1 --weights autoifs.safetensors',
    ],
    ['data', 'artifact'],
  );
}

async function weights(run: string, path: string, { json, data, checkpoint }: Options): Promise<void> {
  const source = { data, checkpoint, onCheckpoint: checkpointNote(run, json) };
  const { tensors, bytes } = await exportWeights(run, path, source);
  if (json) printJson({ event: 'result', run, weights: path, tensors, bytes });
  else print(`wrote ${tensors} tensors, ${count(bytes)} bytes, to ${path}`);
}

async function artifact(run: string, { json, weights: _, out = '', ...options }: Options): Promise<void> {
  const started = performance.now();
  const onStep = (step: string): void => (json ? printJson({ event: 'step', step }) : print(step));
  const exported = await exportRun(run, { ...options, out, onStep, onCheckpoint: checkpointNote(run, json) });
  const { manifest, cells } = exported;
  const seconds = (performance.now() - started) / 1000;
  if (json) {
    const { name, id, data, graphs, score } = manifest;
    const calibration = cells.flatMap((row, s) =>
      row.map((cell, t) => ({ scenario: data.scenarios[s], task: data.tasks[t], ...cell })),
    );
    printJson({ event: 'result', run, out, name, id, bytes: bytesOf(manifest), graphs, score, calibration, seconds });
  } else print(report(out, exported, seconds));
}

const bytesOf = ({ files }: ArtifactManifest): number =>
  Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);

function report(out: string, { manifest, cells }: Exported, seconds: number): string {
  const { name, id, data, files, score } = manifest;
  const tried = cells.flat().some(({ logloss }) => logloss.none !== null);
  return [
    '',
    ...(tried ? ['log loss on held-out validation rows, and the calibration chosen:'] : ['calibration:']),
    ...calibrationTable(data, cells),
    '',
    ...scoreLines(score),
    `wrote ${name} ${id}: ${Object.keys(files).length + 1} files, ${count(bytesOf(manifest))} bytes, to ${out} (${duration(seconds)})`,
  ].join('\n');
}

function calibrationTable({ scenarios, tasks }: ArtifactManifest['data'], cells: Exported['cells']): string[] {
  const loss = (value: number | null): string => value?.toFixed(5) ?? '-';
  const lines = cells.flatMap((row, s) =>
    row.map(({ calibration, rows, positives, logloss }, t) => [
      scenarios[s],
      tasks[t],
      count(rows),
      count(positives),
      loss(logloss.none),
      loss(logloss.platt),
      loss(logloss.isotonic),
      calibration.kind + (calibration.kind === 'none' && calibration.reason ? `: ${calibration.reason}` : ''),
    ]),
  );
  const header = ['scenario', 'task', 'rows', 'positives', 'none', 'platt', 'isotonic', 'chosen'];
  return columns([header, ...lines], [2, 3, 4, 5, 6]);
}
