import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { seal } from '../../src/base/seal.ts';
import { compile, Graph, mul } from '../../src/graph/index.ts';
import { artifactId } from '../../src/store/artifact/check-manifest.ts';
import type { ArtifactManifest } from '../../src/store/artifact/manifest.ts';
import { openArtifact } from '../../src/store/artifact/open.ts';
import { copyArtifact } from '../../src/store/artifact/private-copy.ts';
import { writeTestArtifact } from '../serve/artifacts.ts';
import { temporaryFolder } from './temporary.ts';

const whole = (): string => {
  const folder = join(temporaryFolder(), 'artifact');
  writeTestArtifact({ folder });
  return folder;
};

test('gives the manifest, the statistics and what the row encoder needs', async () => {
  const { manifest, statistics, encoder, path } = await openArtifact(whole());
  expect(statistics.fields.map(({ name }) => name)).toEqual(manifest.data.fields.map(({ name }) => name));
  expect(encoder.tokens('user').slice(0, 3)).toEqual(['', '', 'u0']);
  expect(encoder.tokens('city')).toEqual([]); // hashed
  expect(readFileSync(path('graph.onnx')).length).toBe(manifest.files['graph.onnx'].bytes);
});

/** Writes a changed manifest with all its checksums right: what no accident does. */
function forge(folder: string, change: (manifest: ArtifactManifest) => void): void {
  const path = join(folder, 'manifest.json');
  const { checksum: _, ...manifest } = JSON.parse(readFileSync(path, 'utf8'));
  change(manifest);
  for (const name of Object.keys(manifest.files))
    try {
      const bytes = readFileSync(join(folder, name));
      manifest.files[name] = { bytes: bytes.length, sha256: sha256(bytes) };
    } catch {
      // a name that leads nowhere stays as it was forged
    }
  writeFileSync(path, seal({ ...manifest, id: artifactId(manifest) }));
}

const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at] ^= 1;
  writeFileSync(path, bytes);
};

/** A graph that takes one input, and gives nothing that is asked for. */
function replaceGraph(folder: string, input: string, width: number, table?: string): void {
  const graph = new Graph();
  const weights = graph.input('weights', [1, width]);
  const stored = new Map([['weights', table === undefined ? { data: new Float32Array(width) } : { file: table }]]);
  const { bytes } = compile({ logits: mul(graph.input(input, ['B', width]), weights) }, { stored });
  writeFileSync(join(folder, 'graph.onnx'), bytes);
  forge(folder, () => {});
}

type Damage = [title: string, code: string, named: string, damage: (folder: string) => void];

const DAMAGES: Damage[] = [
  ['no manifest', 'ARTIFACT_NOT_FOUND', 'tributary export', (f) => rmSync(join(f, 'manifest.json'))],
  [
    "another program's manifest",
    'ARTIFACT_NOT_FOUND',
    'something else',
    (f) => writeFileSync(join(f, 'manifest.json'), seal({ a: 1 })),
  ],
  ['a changed manifest', 'ARTIFACT_SEAL', 'manifest.json', (f) => flip(join(f, 'manifest.json'), 100)],
  ['a manifest cut short', 'ARTIFACT_SEAL', 'manifest.json', (f) => truncateSync(join(f, 'manifest.json'), 500)],
  [
    'a manifest of 65 MiB',
    'FILE_TOO_LARGE',
    'manifest.json',
    (f) => truncateSync(join(f, 'manifest.json'), 65 * 2 ** 20),
  ],
  ['a later version', 'ARTIFACT_VERSION', 'version 2', (f) => forge(f, (m) => Object.assign(m, { version: 2 }))],
  [
    'a missing entry',
    'ARTIFACT_INVALID',
    'calibration',
    (f) => forge(f, (m) => Object.assign(m, { calibration: undefined })),
  ],
  ['an unknown entry', 'ARTIFACT_INVALID', 'extra', (f) => forge(f, (m) => Object.assign(m, { extra: 1 }))],
  ['a calibration of another size', 'ARTIFACT_INVALID', 'calibration', (f) => forge(f, (m) => m.calibration.pop())],
  [
    'fields that overlap',
    'ARTIFACT_INVALID',
    'begins at',
    (f) =>
      forge(f, (m) => {
        m.data.fields[1].offset--;
      }),
  ],
  [
    'a table of other rows',
    'ARTIFACT_INVALID',
    'rows',
    (f) =>
      forge(f, (m) => {
        m.tables[0].rows++;
      }),
  ],
  [
    'another id',
    'ARTIFACT_INVALID',
    'id',
    (f) => {
      const { checksum: _, ...manifest } = JSON.parse(readFileSync(join(f, 'manifest.json'), 'utf8'));
      writeFileSync(join(f, 'manifest.json'), seal({ ...manifest, id: '000000000000' }));
    },
  ],
  [
    'a path upwards',
    'ARTIFACT_PATH',
    '../../etc/passwd',
    (f) =>
      forge(f, (m) => {
        m.files['../../etc/passwd'] = { bytes: 1, sha256: 'a'.repeat(64) };
      }),
  ],
  [
    'an absolute path',
    'ARTIFACT_PATH',
    '/etc/passwd',
    (f) =>
      forge(f, (m) => {
        m.tables[0].file = '/etc/passwd';
      }),
  ],
  [
    'a path with a backslash',
    'ARTIFACT_PATH',
    'a\\\\b',
    (f) =>
      forge(f, (m) => {
        m.graphs[0].file = 'a\\b';
      }),
  ],
  [
    'the manifest among its files',
    'ARTIFACT_PATH',
    'manifest.json',
    (f) =>
      forge(f, (m) => {
        m.files['manifest.json'] = { bytes: 1, sha256: 'a'.repeat(64) };
      }),
  ],
  [
    'a link in place of a file',
    'ARTIFACT_LINK',
    'embedding.bin',
    (f) => {
      renameSync(join(f, 'embedding.bin'), join(f, '..', 'elsewhere'));
      symlinkSync('../elsewhere', join(f, 'embedding.bin'));
    },
  ],
  [
    'a link in place of a folder',
    'ARTIFACT_LINK',
    'vocabularies',
    (f) => {
      renameSync(join(f, 'vocabularies'), join(f, '..', 'elsewhere'));
      symlinkSync('../elsewhere', join(f, 'vocabularies'));
    },
  ],
  [
    'a link as manifest',
    'ARTIFACT_LINK',
    'manifest.json',
    (f) => {
      renameSync(join(f, 'manifest.json'), join(f, '..', 'elsewhere'));
      symlinkSync('../elsewhere', join(f, 'manifest.json'));
    },
  ],
  ['a missing file', 'ARTIFACT_FILE_MISSING', 'statistics.json', (f) => rmSync(join(f, 'statistics.json'))],
  ['a file too many', 'ARTIFACT_FILE_UNEXPECTED', 'notes.txt', (f) => writeFileSync(join(f, 'notes.txt'), '')],
  ['a folder too many', 'ARTIFACT_FILE_UNEXPECTED', 'more', (f) => mkdirSync(join(f, 'more'))],
  ['a longer table', 'ARTIFACT_FILE_SIZE', 'embedding.bin', (f) => appendFileSync(join(f, 'embedding.bin'), 'x')],
  ['a changed table', 'ARTIFACT_FILE_CHANGED', 'embedding.bin', (f) => flip(join(f, 'embedding.bin'), 40)],
  ['a changed graph', 'ARTIFACT_FILE_CHANGED', 'graph.onnx', (f) => flip(join(f, 'graph.onnx'), 1000)],
  [
    'a vocabulary of other length',
    'ARTIFACT_FILE_INVALID',
    'user.json',
    (f) => {
      writeFileSync(join(f, 'vocabularies/user.json'), '["a"]');
      forge(f, () => {});
    },
  ],
  [
    'statistics that are none',
    'ARTIFACT_FILE_INVALID',
    'statistics.json',
    (f) => {
      writeFileSync(join(f, 'statistics.json'), '{');
      forge(f, () => {});
    },
  ],
  [
    'no graph',
    'ARTIFACT_GRAPH',
    'not an ONNX model',
    (f) => {
      writeFileSync(join(f, 'graph.onnx'), 'nothing of the kind');
      forge(f, () => {});
    },
  ],
  ['a graph of other inputs', 'ARTIFACT_GRAPH', 'input rows float32 [batch, 9]', (f) => replaceGraph(f, 'rows', 9)],
  ['a graph of more slots', 'ARTIFACT_GRAPH', 'input ids float32 [batch, 9]', (f) => replaceGraph(f, 'ids', 9)],
  [
    'a table outside the folder',
    'ARTIFACT_GRAPH',
    '../../../etc/hosts',
    (f) => replaceGraph(f, 'ids', 9, '../../../etc/hosts'),
  ],
];

test.each(DAMAGES)('refuses %s: %s', async (_title, code, named, damage) => {
  const folder = whole();
  damage(folder);
  const refused = { code, message: expect.stringContaining(named) };
  await expect(openArtifact(folder)).rejects.toMatchObject(refused);
  const into = join(temporaryFolder(), 'copy');
  const copying = copyArtifact({ from: folder, into }).then(() => openArtifact(into, { tablesAreVerified: true }));
  await expect(copying).rejects.toMatchObject(refused);
});
