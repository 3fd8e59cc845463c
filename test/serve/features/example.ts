/** Tables for the artifacts that tests draw, as if one log had all columns. */
import type { ArtifactManifest } from '../../../src/store/artifact/manifest.ts';
import { artifact } from '../support.ts';

const PREPARATION: NonNullable<ArtifactManifest['data']['preparation']> = {
  from: 'log',
  sources: {
    log: {
      columns: [
        ...['user', 'city', 'item', 'tags', 'hour'].map((name) => ({ name, type: 'VARCHAR' })),
        { name: 'age', type: 'DOUBLE' },
      ],
      nullValues: [''],
    },
  },
  joins: [],
};

/** An artifact that says how its data were prepared. */
export const prepared = (request: Parameters<typeof artifact>[0] = {}) =>
  artifact({ preparation: PREPARATION, ...request });

/** Two versions of both tables, in which no value is the same: lines of CSV. */
export const VERSIONS = [
  {
    users: ['user,age,city', 'u1,17.5,Zürich', 'u2,,""', 'u3,-3,"a,b"', '4,1e2,東京', 'u5,50,05'],
    items: ['item,tags', '2,t1|t2', '9,', 'new,t3||t1|t4|t5'],
  },
  {
    users: ['user,age,city', 'u1,55,Bern', 'u9,20,x'],
    items: ['item,tags', '2,t5', '9,t6|t7', 'new,', 'newer,t9'],
  },
];

export const tablesAt = (files: { users: string; items: string }) =>
  ({
    users: { of: 'user', path: files.users, on: { user: 'user' } },
    items: { of: 'item', path: files.items, on: { id: 'item' } },
  }) as const;
