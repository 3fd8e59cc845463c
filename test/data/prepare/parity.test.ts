import { test } from 'vitest';
import { ML1M } from '../support.ts';
import { expectParity } from './official.ts';

test('ml1m_mini: the rows, order, labels and scenarios of the official script; ids up to a bijection per field', () =>
  expectParity('preparation/ml-1m-mini', ML1M));
