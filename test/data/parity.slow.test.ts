import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import type { DatasetInput } from '../../src/config/dataset.ts';
import { expectParity } from './official.ts';
import { fixture } from './support.ts';

type FieldInput = DatasetInput['fields'][number];

test('kuairand_mini: 89 fields of five joined files', () => {
  const header = (file: string): string[] =>
    readFileSync(fixture(`kuairand_mini/${file}`), 'utf8')
      .split('\n')[0]
      .trim()
      .split(',');
  const users = header('user_features_pure.csv');
  const statistics = header('video_features_statistic_pure.csv');
  const userNumbers = ['follow_user_num', 'fans_user_num', 'friend_user_num', 'register_days'];
  // Missing values become 0, as number or text like the column.
  const categorical = (column: string): FieldInput => ({
    name: column,
    kind: 'categorical',
    expression: `coalesce(${column}, '0')`,
  });
  // `follow_user_num` is a column of two files.
  const numeric =
    (source: string) =>
    (column: string): FieldInput => ({
      name: `${source}_${column}`,
      kind: 'numeric',
      expression: `coalesce(${source}.${column}, 0)`,
    });
  const scenario = 'CASE tab WHEN 0 THEN 0 WHEN 1 THEN 1 WHEN 4 THEN 2 END';
  return expectParity('kuairand_mini', {
    name: 'kuairand-pure',
    from: 'log',
    sources: {
      log: {
        path: [
          'log_standard_4_22_to_5_08_pure.csv',
          'log_standard_4_08_to_4_21_pure.csv',
          'log_random_4_22_to_5_08_pure.csv',
        ],
      },
      users: { path: 'user_features_pure.csv' },
      videos: { path: 'video_features_basic_pure.csv' },
      statistics: { path: 'video_features_statistic_pure.csv' },
    },
    joins: [
      { source: 'users', on: { user_id: 'user_id' } },
      { source: 'videos', on: { video_id: 'video_id' } },
      { source: 'statistics', on: { video_id: 'video_id' } },
    ],
    fields: [
      ...users.filter((c) => !userNumbers.includes(c)).map(categorical),
      ...userNumbers.map(numeric('users')),
      ...['video_id', 'video_type', 'upload_type', 'music_type'].map(categorical),
      ...['video_duration', 'server_width', 'server_height'].map(numeric('videos')),
      ...statistics.filter((c) => c !== 'video_id' && c !== 'counts').map(numeric('statistics')),
      { name: 'scenario', kind: 'categorical', expression: scenario },
    ],
    scenario: { expression: scenario, values: [0, 1, 2] },
    tasks: [
      { name: 'is_click', label: 'is_click' },
      { name: 'long_view', label: 'long_view' },
    ],
    vocabulary: { from: 'all', minCount: 2 },
  });
});
