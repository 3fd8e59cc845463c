/** A sample of the damages of damage.long.test.ts: refused, or the same result; never silently another one, never a stack trace. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../train/support.ts';
import { useConfigurations, writeConfigurations } from './configurations.ts';
import { tryDamages } from './damage.ts';
import {
  artifactFormat,
  type Format,
  finishedFormat,
  preparedFormats,
  stoppedFormat,
  storedFormats,
} from './formats.ts';

const { path: folder, remove } = temporaryFolder();
let prepared: Awaited<ReturnType<typeof preparedFormats>>;
let stored: ReturnType<typeof storedFormats>;
beforeAll(async () => {
  prepared = await preparedFormats(folder);
  stored = storedFormats(folder);
});
afterAll(remove);

type Case = [name: string, damages: number, format: () => Format | Promise<Format>];

/** Of a finished run. */
const isRead = (file: string): boolean => !/^(checkpoints|report|timings)/.test(file);

test.each<Case>([
  ['prepared data', 12, () => prepared.withRows],
  ['prepared data without row files', 12, () => prepared.withoutRows],
  ['finished runs', 10, async () => ({ ...(await finishedFormat(folder, prepared.data)), only: isRead })],
  ['interrupted runs', 10, () => stoppedFormat(folder, prepared.data)],
  ['artifacts', 30, () => artifactFormat(folder, prepared.run)],
  ['prepared data of 0.1', 12, () => stored.prepared],
  ['runs of 0.1', 8, () => ({ ...stored.run, only: isRead })],
  ['artifacts of 0.1', 16, () => stored.artifact],
])('damaged %s', async (name, damages, format) => {
  const { refused, equal, wrong } = await tryDamages({ ...(await format()), damages, seed: 1 });
  // Without finished.json a run is like one of 0.1: its test metrics are left out of the artifact, for nothing vouches for them.
  const unsaid = wrong.filter((what) => !what.startsWith('finished.json, removed'));
  expect(unsaid).toEqual([]);
  expect(refused + equal + wrong.length).toBe(damages);
  expect(refused, `${name}: ${refused} refused, ${equal} equal`).toBeGreaterThan(damages / 10);
});

test('damaged configurations are refused with a code, or read as what they are now', async () => {
  const [golden, place] = [join(folder, 'configurations'), join(folder, 'damaged-configurations')];
  writeConfigurations(golden);
  expect(await useConfigurations(golden, true)).toEqual(new Array(14).fill('taken'));
  const outcomes: string[] = [];
  const { wrong } = await tryDamages({
    golden,
    place,
    only: (file) => /^\w+\.(yaml|json)$/.test(file),
    use: async () => void outcomes.push(...(await useConfigurations(place, false))),
    damages: 30,
    seed: 1,
  });
  expect(wrong).toEqual([]);
  expect(outcomes.filter((outcome) => outcome === 'refused').length).toBeGreaterThan(8);
});
