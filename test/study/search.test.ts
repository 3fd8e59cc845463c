import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { parameterSchema, type TuneMethod } from '../../src/config/tune.ts';
import { search, type TrialRequest } from '../../src/study/tune/search.ts';
import { openSpace, type Parameters, type Point, type Space } from '../../src/study/tune/space.ts';

const spaceOf = (entries: Record<string, object>): Space =>
  openSpace(Object.fromEntries(Object.entries(entries).map(([path, entry]) => [path, parameterSchema.parse(entry)])));

const TPE = { kind: 'tpe', startTrials: 10, parallel: 1 } as const;

/** Everything that a search asks for, in the order of its asking, and what it lets go. */
async function follow(
  space: Space,
  method: TuneMethod,
  loss: (request: TrialRequest) => number | Promise<number>,
  seed = 1,
) {
  const asked: TrialRequest[] = [];
  const through: number[] = [];
  const trials = {
    async loss(request: TrialRequest) {
      asked.push(request);
      return loss(request);
    },
    through: (trial: number) => void through.push(trial),
  };
  await search({ space, method, seed }, trials);
  return { asked, through };
}

describe('the space', () => {
  const draw = (space: Space, seed: number): Point => {
    const generator = random('points', seed);
    return space.point(({ choices }) => (choices === undefined ? generator.uniform() : generator.below(choices)));
  };
  const COUNT = 4000;
  const values = (entry: object, path = 'p'): number[] =>
    Array.from(
      { length: COUNT },
      (_, seed) => spaceOf({ [path]: entry }).parameters(draw(spaceOf({ [path]: entry }), seed))[path] as number,
    );

  test('whole numbers are all as likely, both ends among them', () => {
    const found = values({ low: 3, high: 7, int: true });
    for (const value of [3, 4, 5, 6, 7]) {
      const share = found.filter((other) => other === value).length / COUNT;
      expect(Math.abs(share - 0.2), String(value)).toBeLessThan(0.03);
    }
  });

  test('a logarithmic range has as much in each of its decades', () => {
    const found = values({ low: 1e-4, high: 1e-1, log: true });
    for (const decade of [1e-4, 1e-3, 1e-2]) {
      const share = found.filter((value) => value >= decade && value < 10 * decade).length / COUNT;
      expect(Math.abs(share - 1 / 3), String(decade)).toBeLessThan(0.03);
    }
  });

  test('values lie within their range, and a value belongs to one point', () => {
    const range = fc
      .tuple(fc.double({ min: 1e-6, max: 1e3, noNaN: true }), fc.double({ min: 1e-3, max: 1e3, noNaN: true }))
      .map(([low, width]) => ({ low, high: low + width }));
    fc.assert(
      fc.property(range, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), ({ low, high }, log, place) => {
        const space = spaceOf({ p: { low, high, log } });
        const point = space.point(() => place);
        const value = space.parameters(point).p as number;
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThanOrEqual(high);
        const again = space.parameters(space.point(() => point[0] as number)).p as number;
        expect(Math.abs(again / value - 1)).toBeLessThan(1e-5);
      }),
    );
  });

  test('a parameter is there where its conditions hold, and theirs', () => {
    const space = spaceOf({
      optimizer: { choices: ['adam', 'sgd'] },
      momentum: { choices: [0, 0.9], when: { optimizer: ['sgd'] } },
      nesterov: { choices: [true, false], when: { momentum: [0.9] } },
    });
    const at = (...picks: number[]): Parameters => space.parameters(space.point((_, d) => picks[d]));
    expect(at(0, 1, 0)).toEqual({ optimizer: 'adam' });
    expect(at(1, 0, 0)).toEqual({ optimizer: 'sgd', momentum: 0 });
    expect(at(1, 1, 1)).toEqual({ optimizer: 'sgd', momentum: 0.9, nesterov: false });
  });
});

describe('random and TPE', () => {
  const quadratic = spaceOf(Object.fromEntries(['x', 'y', 'z'].map((name) => [name, { low: -5, high: 5 }])));
  const bowl = ({ x, y, z }: Parameters): number =>
    ((x as number) - 1) ** 2 + ((y as number) + 2) ** 2 + ((z as number) - 3) ** 2;
  const mixed = spaceOf({
    rate: { low: 1e-5, high: 1e-1, log: true },
    optimizer: { choices: ['adam', 'sgd', 'adamw'] },
    momentum: { low: 0, high: 0.99, when: { optimizer: ['sgd'] } },
    layers: { low: 1, high: 32, int: true },
  });
  /** Best with sgd, at a rate of 1e-3, 12 layers and a momentum of 0.8; a third of the space fails. */
  const trained = ({ rate, optimizer, momentum, layers }: Parameters): number =>
    (rate as number) > 2e-2
      ? Number.POSITIVE_INFINITY
      : (Math.log10(rate as number) + 3) ** 2 +
        { adam: 0.5, sgd: 0, adamw: 2 }[optimizer as 'adam'] +
        ((layers as number) - 12) ** 2 / 100 +
        (momentum === undefined ? 0.3 : 2 * ((momentum as number) - 0.8) ** 2);

  test.each([
    ['a bowl in three dimensions', quadratic, bowl],
    ['ranges, choices, conditions and failures', mixed, trained],
  ])('TPE finds better points than random search: %s', async (_, space, loss) => {
    const seeds = Array.from({ length: 12 }, (__, seed) => seed);
    const meanBest = async (method: TuneMethod): Promise<number> => {
      const bests = await Promise.all(
        seeds.map(async (seed) => {
          const { asked } = await follow(space, method, ({ parameters }) => loss(parameters), seed);
          return Math.min(...asked.map(({ parameters }) => loss(parameters)));
        }),
      );
      return bests.reduce((sum, best) => sum + best, 0) / bests.length;
    };
    const byChance = await meanBest({ kind: 'random', trials: 40 });
    expect(await meanBest({ ...TPE, trials: 40 })).toBeLessThan(byChance / 2);
    expect(await meanBest({ ...TPE, trials: 40, parallel: 4 })).toBeLessThan(byChance / 1.5);
  });

  test('the same points are tried whatever the order in which trials end, and at most `parallel` at once', async () => {
    const method: TuneMethod = { kind: 'tpe', trials: 24, startTrials: 6, parallel: 3 };
    let most = 0;
    const inOrder = async (order: number): Promise<Parameters[]> => {
      const generator = random('order', order);
      let open = 0;
      const { asked } = await follow(quadratic, method, async ({ parameters }) => {
        most = Math.max(most, ++open);
        for (let waits = generator.below(9); waits > 0; waits--) await setImmediate();
        open--;
        return bowl(parameters);
      });
      return asked.map(({ parameters }) => parameters);
    };
    const first = await inOrder(0);
    for (const order of [1, 2, 3]) expect(await inOrder(order)).toEqual(first);
    expect(most).toBe(3);
    const other = await follow(quadratic, method, ({ parameters }) => bowl(parameters), 2);
    expect(other.asked.map(({ parameters }) => parameters)).not.toEqual(first);
  });

  test('more trials are the same trials and some more', async () => {
    for (const method of [{ kind: 'random' }, TPE] as const) {
      const few = await follow(mixed, { ...method, trials: 15 }, ({ parameters }) => trained(parameters));
      const many = await follow(mixed, { ...method, trials: 20 }, ({ parameters }) => trained(parameters));
      expect(many.asked.slice(0, 15)).toEqual(few.asked);
      expect(many.through).toHaveLength(20);
    }
  });

  test('no point is tried twice; a small space is searched through, then the search ends', async () => {
    const small = spaceOf({ a: { choices: [1, 2, 3] }, b: { low: 0, high: 1, int: true } });
    for (const method of [
      { kind: 'random', trials: 10 },
      { ...TPE, trials: 10, startTrials: 2 },
    ] as const) {
      const { asked } = await follow(small, method, ({ parameters }) => parameters.a as number);
      const keys = asked.map(({ parameters }) => JSON.stringify(parameters));
      expect([new Set(keys).size, keys.length]).toEqual([6, 6]);
    }
  });

  test('a search fails with its trial, which is not let go', async () => {
    const letGo: number[] = [];
    const trials = {
      async loss({ trial }: TrialRequest) {
        if (trial === 2) throw new Error('out of order');
        return 1;
      },
      through: (trial: number) => void letGo.push(trial),
    };
    for (const method of [
      { kind: 'random', trials: 4 },
      { kind: 'halving', trials: 4, minEpochs: 1, factor: 2 },
    ] as const)
      await expect(search({ space: quadratic, method, seed: 1 }, trials)).rejects.toThrow('out of order');
    expect(letGo).toEqual([0, 1, 3]); // what was not let go can go on
  });
});

describe('successive halving', () => {
  const line = spaceOf({ x: { low: 0, high: 1 } });
  const method: TuneMethod = { kind: 'halving', trials: 9, minEpochs: 2, factor: 3 };
  const rounds = (asked: TrialRequest[]): [number | undefined, number[]][] => {
    const epochs = [...new Set(asked.map((request) => request.epochs))];
    return epochs.map((at) => [at, asked.filter((request) => request.epochs === at).map(({ trial }) => trial)]);
  };

  test('the best third of each round goes on, by the values of that round', async () => {
    // After 2 epochs trials 8, 4 and 1 lead; after 6 it is 1.
    const early = [9, 3, 5, 6, 2, 7, 8, 4, 1];
    const late = [0, 1, 0, 0, 3, 0, 0, 0, 2];
    const { asked, through } = await follow(line, method, ({ trial, epochs }) => (epochs === 2 ? early : late)[trial]);
    expect(rounds(asked)).toEqual([
      [2, [0, 1, 2, 3, 4, 5, 6, 7, 8]],
      [6, [8, 4, 1]],
      [undefined, [1]],
    ]);
    expect(through).toEqual([0, 2, 3, 5, 6, 7, 8, 4, 1]);
    expect(new Set(asked.filter(({ trial }) => trial === 1).map(({ parameters }) => parameters.x)).size).toBe(1);
  });

  test('what failed does not go on; of equals the earlier does', async () => {
    const { asked } = await follow(line, method, ({ trial }) => (trial % 2 === 0 ? Number.POSITIVE_INFINITY : 1));
    expect(rounds(asked)).toEqual([
      [2, [0, 1, 2, 3, 4, 5, 6, 7, 8]],
      [6, [1, 3, 5]],
      [undefined, [1]],
    ]);
  });

  test('when all fail the search ends', async () => {
    const { asked, through } = await follow(line, method, () => Number.POSITIVE_INFINITY);
    expect([asked.length, through.length]).toEqual([9, 9]);
  });
});
