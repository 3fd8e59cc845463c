/** Describes a selection as a document. */
import type { SelectionDocument } from '../../documents/selection.ts';
import { numberOf } from '../../evaluate/index.ts';
import type { ServingGraph } from '../../inference/graphs/serving.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { lossesOf, lossOf } from './prove.ts';
import { type Selection, selectionRecord } from './select.ts';

export function selectionDocument(
  about: Pick<SelectionDocument, 'run' | 'out' | 'seconds'>,
  selection: Selection,
  { name, id, score, data }: ArtifactManifest,
): SelectionDocument {
  const { graphs, proof, unseen } = selection;
  const size = ({ scenario, multiplyAdds, parameters, bytes, tables }: ServingGraph) => ({
    ...(scenario !== undefined && { scenario: data.scenarios[scenario] }),
    multiplyAdds,
    parameters,
    bytes: bytes.length,
    tables,
  });
  return {
    schema: 'selection/1',
    ...about,
    name,
    id,
    ...selectionRecord(selection),
    score,
    loss: { mean: lossOf(proof), cells: lossesOf(proof) },
    calibrationError: [proof, unseen].map(({ before, after }) => ({
      before: numberOf(before.macro.calibrationError),
      after: numberOf(after.macro.calibrationError),
    })),
    graphs: { before: size(graphs.before), joint: size(graphs.joint), scenarios: graphs.scenarios.map(size) },
  };
}
