/** Saves checkpoint after checkpoint, going on from the last, and says each step when it is safe. */
import { latestCheckpoint, saveCheckpoint } from '../../src/store/run/checkpoint.ts';

const folder = process.argv[2];
for (let step = (latestCheckpoint(folder)?.position.step ?? 0) + 1; ; step++) {
  const content = {
    position: { phase: 'search', epoch: 0, step },
    state: { step },
    tensors: [['weights', { shape: [1 << 19], data: new Float32Array(1 << 19).fill(step) }] as const],
  };
  saveCheckpoint(folder, { ...content, name: 'best' });
  saveCheckpoint(folder, content);
  process.stdout.write(`${step}\n`);
}
