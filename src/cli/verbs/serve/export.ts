import { type Command, Option } from 'commander';
import type { ExportDocument } from '../../../documents/artifact.ts';
import { CALIBRATIONS, type CalibrationChoice } from '../../../export/calibrate/choose.ts';
import { exportRun } from '../../../export/export.ts';
import { exportWeights } from '../../../interop/exchange.ts';
import { exportText } from '../../../report/export.ts';
import { count } from '../../../report/numbers.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { checkpointNote, printSteps } from '../../checkpoint.ts';
import { helpEnd } from '../../help.ts';
import {
  backendOption,
  checkpointOption,
  dataOption,
  deviceOfBackendOption,
  jsonOption,
  unweightedOption,
} from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { type Score, scoreOption } from '../../score.ts';

interface Options {
  out?: string;
  name?: string;
  score?: Score;
  calibrate: CalibrationChoice;
  unweighted?: boolean;
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
    .addOption(unweightedOption())
    .addOption(dataOption())
    .addOption(checkpointOption())
    .option('--weights <file>', 'write a safetensors file for `tributary import`, and no artifact')
    .addOption(backendOption())
    .addOption(deviceOfBackendOption())
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
  const source = { data, checkpoint, onEvent: checkpointNote(run, json) };
  const { tensors, bytes } = await exportWeights(run, path, source);
  if (json) printJson({ event: 'result', run, weights: path, tensors, bytes });
  else print(`wrote ${tensors} tensors, ${count(bytes)} bytes, to ${path}`);
}

async function artifact(run: string, { json, weights: _, out = '', ...options }: Options): Promise<void> {
  const started = performance.now();
  const { manifest, cells } = await exportRun(run, { ...options, out, onEvent: printSteps(run, json) });
  const { name, id, data, graphs, score, files } = manifest;
  const document: ExportDocument = {
    schema: 'export/1',
    run,
    out,
    name,
    id,
    bytes: Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0),
    files: Object.keys(files).length + 1,
    graphs,
    score,
    calibration: cells.flatMap((row, s) =>
      row.map((cell, t) => ({ scenario: data.scenarios[s], task: data.tasks[t], ...cell })),
    ),
    seconds: (performance.now() - started) / 1000,
  };
  if (json) printJson({ event: 'result', ...document });
  else print(exportText(document));
}
