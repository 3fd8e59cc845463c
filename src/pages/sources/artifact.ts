/** The page of an artifact, of its manifest. */
import { VERSION } from '../../base/version.ts';
import { gridSchema } from '../../documents/grid.ts';
import { count, metricText, percent } from '../../report/numbers.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { manifestIn } from '../../store/artifact/manifest-file.ts';
import type { ArtifactPage } from '../page.ts';
import { sentencesOf } from './run.ts';

/** @throws errors of `readManifest` */
export const artifactPage = (folder: string): ArtifactPage => pageOf(manifestIn(folder));

function pageOf(manifest: ArtifactManifest): ArtifactPage {
  const { name, id, created, data, graphs, tables, calibration, score, selection, verdict, files } = manifest;
  const metrics = gridSchema.safeParse(gridOf(manifest.metrics));
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  const grid = metrics.success ? metrics.data : undefined;
  return {
    kind: 'artifact',
    title: name,
    facts: [
      id,
      `made ${created.slice(0, 16).replace('T', ' ')} UTC`,
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
    ],
    version: VERSION,
    artifact: {
      scenarios: data.scenarios,
      tasks: data.tasks,
      graphs,
      tables,
      calibration,
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
