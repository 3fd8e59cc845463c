/** The body of a page, by its kind. */
import type { Page } from '../page.ts';
import { Artifact } from './artifact.tsx';
import { Comparison } from './comparison/comparison.tsx';
import { Evaluation, Flows, Transfer } from './documents.tsx';
import { Drift } from './drift.tsx';
import { Experiment } from './experiment/experiment.tsx';
import { Ramp } from './experiment/ramp.tsx';
import { Explanation } from './explanation.tsx';
import { Folder } from './folder.tsx';
import { Importance } from './importance.tsx';
import { PositionBias, Replay, Simulation } from './log.tsx';
import { Loop } from './loop.tsx';
import { Ask, Log } from './requests.tsx';
import { Run } from './run/run.tsx';
import { Tuning } from './tuning.tsx';

export function Kind({ page }: { page: Page }) {
  switch (page.kind) {
    case 'folder':
      return <Folder page={page} />;
    case 'log':
      return <Log page={page} />;
    case 'ask':
      return <Ask page={page} />;
    case 'run':
      return <Run page={page} />;
    case 'comparison':
      return <Comparison page={page} />;
    case 'tuning':
      return <Tuning page={page} />;
    case 'artifact':
      return <Artifact page={page} />;
    case 'flows':
      return <Flows page={page} />;
    case 'transfer':
      return <Transfer page={page} />;
    case 'evaluation':
      return <Evaluation page={page} />;
    case 'importance':
      return <Importance page={page} />;
    case 'explanation':
      return <Explanation page={page} />;
    case 'replay':
      return <Replay page={page} />;
    case 'position-bias':
      return <PositionBias page={page} />;
    case 'simulation':
      return <Simulation page={page} />;
    case 'loop':
      return <Loop page={page} />;
    case 'experiment':
      return <Experiment page={page} />;
    case 'ramp':
      return <Ramp page={page} />;
    case 'drift':
      return <Drift page={page} />;
  }
}
