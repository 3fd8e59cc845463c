/**
 * At least 500 damages of prepared data, runs, artifacts and configurations: refused, or the same result; never silently another
 * one, never a stack trace.
 */
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

test.each<Case>([
  ['prepared data', 500, () => prepared.withRows],
  ['prepared data without row files', 250, () => prepared.withoutRows],
  ['finished runs', 300, () => finishedFormat(folder, prepared.data)],
  ['interrupted runs', 300, () => stoppedFormat(folder, prepared.data)],
  ['artifacts', 500, () => artifactFormat(folder, prepared.run)],
  ['prepared data of 0.1', 150, () => stored.prepared],
  ['runs of 0.1', 150, () => stored.run],
  ['artifacts of 0.1', 150, () => stored.artifact],
])('damaged %s', async (name, damages, format) => {
  const { refused, equal, wrong } = await tryDamages({ ...(await format()), damages, seed: 2 });
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
    use: async () => void outcomes.push(...(await useConfigurations(place, true))),
    damages: 500,
    seed: 2,
  });
  expect(wrong).toEqual([]);
  expect(outcomes.filter((outcome) => outcome === 'refused').length).toBeGreaterThan(150);
});
