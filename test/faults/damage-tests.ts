/**
 * Damages of each format, as tests: refused, or the same result; never silently another one, never a stack trace. A sample of
 * them is in `npm test` (damage.thorough.test.ts), hundreds are in the long tests (damaged-*.long.test.ts).
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

const FORMATS = [
  'prepared data',
  'prepared data without row files',
  'finished runs',
  'interrupted runs',
  'artifacts',
  'prepared data of 0.1',
  'runs of 0.1',
  'artifacts of 0.1',
] as const;

export interface DamageSizes {
  seed: number;
  /** Damages of each format. Those that are not named are not damaged. */
  damages: Partial<Record<(typeof FORMATS)[number], number>>;
  /** Files of finished runs to damage. Default: all. */
  ofRuns?: (file: string) => boolean;
  configurations?: {
    damages: number;
    /** Refused at least this often, exclusive. */
    refused: number;
    /** Are data prepared with those that are taken? */
    prepares: boolean;
  };
}

export function damageTests({ seed, damages, ofRuns, configurations }: DamageSizes): void {
  const { path: folder, remove } = temporaryFolder();
  let prepared: Awaited<ReturnType<typeof preparedFormats>>;
  let stored: ReturnType<typeof storedFormats>;
  beforeAll(async () => {
    prepared = await preparedFormats(folder);
    stored = storedFormats(folder);
  });
  afterAll(remove);

  const formats: Record<(typeof FORMATS)[number], () => Format | Promise<Format>> = {
    'prepared data': () => prepared.withRows,
    'prepared data without row files': () => prepared.withoutRows,
    'finished runs': async () => ({
      ...(await finishedFormat(folder, prepared.data)),
      ...(ofRuns && { only: ofRuns }),
    }),
    'interrupted runs': () => stoppedFormat(folder, prepared.data),
    artifacts: () => artifactFormat(folder, prepared.run),
    'prepared data of 0.1': () => stored.prepared,
    'runs of 0.1': () => ({ ...stored.run, ...(ofRuns && { only: ofRuns }) }),
    'artifacts of 0.1': () => stored.artifact,
  };

  const named = FORMATS.flatMap((name) => (damages[name] === undefined ? [] : [{ name, count: damages[name] }]));
  test.each(named)('damaged $name', async ({ name, count }) => {
    const { refused, equal, wrong } = await tryDamages({ ...(await formats[name]()), damages: count, seed });
    expect(wrong).toEqual([]);
    expect(refused + equal).toBe(count);
    expect(refused, `${name}: ${refused} refused, ${equal} equal`).toBeGreaterThan(count / 10);
  });

  if (configurations === undefined) return;
  test('damaged configurations are refused with a code, or read as what they are now', async () => {
    const [golden, place] = [join(folder, 'configurations'), join(folder, 'damaged-configurations')];
    writeConfigurations(golden);
    expect(await useConfigurations(golden, true)).toEqual(new Array(14).fill('taken'));
    const outcomes: string[] = [];
    const { wrong } = await tryDamages({
      golden,
      place,
      only: (file) => /^\w+\.(yaml|json)$/.test(file),
      use: async () => void outcomes.push(...(await useConfigurations(place, configurations.prepares))),
      damages: configurations.damages,
      seed,
    });
    expect(wrong).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === 'refused').length).toBeGreaterThan(configurations.refused);
  });
}
