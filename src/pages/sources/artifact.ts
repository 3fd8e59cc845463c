/** The page of an artifact, of its manifest. */
import { VERSION } from '../../base/version.ts';
import type { CalibrationReliability } from '../../documents/artifact.ts';
import { gridSchema } from '../../documents/grid.ts';
import { count, metricText, percent, timeText } from '../../report/numbers.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { manifestIn } from '../../store/artifact/manifest-file.ts';
import type { ArtifactPage } from '../page.ts';
import { sentencesOf } from './run.ts';

/** @throws errors of `readManifest` */
export const artifactPage = (folder: string): ArtifactPage => pageOf(manifestIn(folder));

function pageOf(manifest: ArtifactManifest): ArtifactPage {
  const { name, id, created, data, graphs, tables, calibration, reliability, score, selection, verdict, files } =
    manifest;
  const metrics = gridSchema.safeParse(gridOf(manifest.metrics));
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  const grid = metrics.success ? metrics.data : undefined;
  return {
    kind: 'artifact',
    title: name,
    facts: [
      id,
      `made ${timeText(created)}`,
      `of run ${manifest.run.id}`,
      `${count(bytes)} bytes in ${Object.keys(files).length} files`,
    ],
    findings: [
      ...(grid === undefined ? [] : [`Mean AUC ${metricText(grid.macro.auc)} on the test rows.`]),
      ...selectionFinding(manifest),
    ],
    notes: [
      ...(grid === undefined ? ['Metrics: the artifact has none, for example because its weights were imported.'] : []),
      ...(selection === undefined ? ['Selection: the graphs are the model as it was trained.'] : []),
      ...(reliability === undefined ? ['Reliability: this artifact was made by a version that did not keep it.'] : []),
    ],
    ...(reliability && { sentences: { reliability: reliabilitySentence(reliability) } }),
    version: VERSION,
    artifact: {
      scenarios: data.scenarios,
      tasks: data.tasks,
      graphs,
      tables,
      calibration,
      ...(reliability && { reliability }),
      score,
      ...(selection && { selection }),
      ...(verdict && { verdict }),
      ...(grid && { metrics: grid }),
      bytes,
      files: Object.keys(files).length,
    },
    flowSentences: verdict === undefined ? [] : sentencesOf(verdict),
  };
}

/** Manifests keep what `evaluate` printed, or a part of it. */
function gridOf(metrics: unknown): unknown {
  if (typeof metrics !== 'object' || metrics === null) return undefined;
  const { macro, k, means, cells } = metrics as Record<string, unknown>;
  return { macro, k, means, cells };
}

function reliabilitySentence(cells: CalibrationReliability): string {
  const heldOut = cells.filter(({ after }) => after?.rows === 'held out');
  const better = heldOut.filter(({ before, after }) => (after?.error ?? 0) < (before.error ?? 0));
  const calibrated = cells.filter(({ after }) => after !== undefined);
  if (calibrated.length === 0) return 'No cell is calibrated: the probabilities of the model are served as they are.';
  return `${calibrated.length} of ${cells.length} cells are calibrated. In ${better.length} of the ${heldOut.length} that can be judged on rows that their fit did not see, the expected calibration error is smaller after it.`;
}

function selectionFinding({ selection, graphs }: ArtifactManifest): string[] {
  if (selection === undefined) return [];
  const { kind, compared } = selection;
  const [joint, ...own] = graphs;
  const smallest = own.reduce((least, { multiplyAdds }) => Math.min(least, multiplyAdds), joint.multiplyAdds);
  const differing = compared.reduce((sum, { differing: n }) => sum + n, 0);
  const rows = compared.reduce((sum, { rows: n }) => sum + n, 0);
  return [
    `${kind === 'exact' ? 'An exact' : 'A lossy'} selection: graphs of single scenarios need up to ${percent(1 - smallest / joint.multiplyAdds)} fewer multiply-adds than that of all; ${count(differing)} of ${count(rows)} rows differ by more than 1e-6.`,
  ];
}
