import { test } from 'vitest';
import { recipes } from '../../../src/data/recipes/recipes.ts';
import { fixture } from '../support.ts';
import { expectParity } from './official.ts';

test('kuairand_mini: 89 fields of six joined files', async () =>
  expectParity(
    'preparation/kuairand-mini',
    await recipes['kuairand-pure'].prepareConfig(fixture('preparation/kuairand-mini')),
  ));
