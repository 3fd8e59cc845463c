/** The Dockerfile's steps, replayed without Docker: what they make serves as a user without rights, from folders that are read-only. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withoutRights } from '../../cli/rights.ts';
import { buildImage, type Image, linkPackages, readStages } from './dockerfile.ts';

const prefix = withoutRights() ?? [];
const folder = mkdtempSync(join(tmpdir(), 'tributary-container-'));
let image: Image;
let artifact: string;

describe.skipIf(process.platform !== 'linux')('the container', () => {
  beforeAll(() => {
    chmodSync(folder, 0o755);
    image = buildImage(resolve('Dockerfile'), folder, (command, cwd, stage) => {
      // The same packages without the registry; `container.long.test.ts` asks npm for them.
      if (/^npm ci( --omit=dev)?$/.test(command)) linkPackages(cwd, command.includes('--omit=dev'));
      else execFileSync('sh', ['-c', command], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
      expect(['build', 'packages']).toContain(stage);
    });
    artifact = join(folder, 'artifact');
    cpSync('test/upgrade/0.1/artifact', artifact, { recursive: true });
    for (const path of [join(image.root, image.workdir), artifact]) execFileSync('chmod', ['-R', 'a-w,a+rX', path]);
    mkdirSync(join(folder, 'tmp'), { mode: 0o777 });
    chmodSync(join(folder, 'tmp'), 0o777);
  });
  afterAll(() => {
    execFileSync('chmod', ['-R', 'u+w', folder]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** The words with the container's paths and port as they are here. */
  const here = (words: string[], port: number): string[] =>
    words.map((word) => (word === '/artifact' ? artifact : word.replaceAll('8080', String(port))));
  const options = () => ({
    cwd: join(image.root, image.workdir),
    env: { PATH: process.env.PATH, TMPDIR: join(folder, 'tmp'), ...image.env },
  });

  test('serves as a user without rights, and ends on SIGTERM', async () => {
    expect(image.user).toBe('node');
    expect(image.entrypoint[0]).toBe('node');
    const port = await freePort();
    const [, ...words] = here([...image.entrypoint, ...image.cmd], port);
    const [program, ...rest] = [...prefix, process.execPath, ...words];
    const child = spawn(program, rest, { ...options(), stdio: ['ignore', 'pipe', 'pipe'] });
    let err = '';
    child.stderr.on('data', (text) => {
      err += text;
    });
    const ended = new Promise<number | null>((done) => child.once('exit', done));
    const isHealthy = (): boolean => {
      const [, ...probe] = here(image.healthcheck, port);
      return spawnSync(process.execPath, probe, options()).status === 0;
    };
    try {
      for (let i = 0; i < 60 && !isHealthy(); i++) await new Promise((wait) => setTimeout(wait, 250));
      expect(isHealthy(), err).toBe(true);
      const body = JSON.stringify({
        scenario: 'home',
        user: { user: 20 },
        items: [
          { id: 1, item: 8 },
          { id: 2, item: 9 },
        ],
      });
      const answer = await fetch(`http://127.0.0.1:${port}/v1/rank`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(answer.status).toBe(200);
      expect(((await answer.json()) as { items: unknown[] }).items).toHaveLength(2);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toBe(0);
    expect(isHealthy()).toBe(false);
  });

  test('is small: no tools, no database, one runtime for one platform', () => {
    const app = join(image.root, image.workdir);
    expect(readdirSync(app).sort()).toEqual(['LICENSE', 'bin', 'dist', 'node_modules', 'package.json']);
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
    // What a test names and a dependency brings is there, too.
    const tools = Object.keys(devDependencies).filter((name) => packages[`node_modules/${name}`].dev);
    expect(tools).toContain('vitest');
    for (const name of [...tools, 'onnxruntime-web', '@duckdb', '.bin'])
      expect(existsSync(join(app, 'node_modules', name)), name).toBe(false);
    const binaries = execFileSync(
      'find',
      [join(app, 'node_modules/onnxruntime-node/bin'), '-type', 'd', '-mindepth', '3'],
      {
        encoding: 'utf8',
      },
    );
    expect(binaries.trim().split('\n')).toEqual([expect.stringMatching(new RegExp(`linux/${process.arch}$`))]);
    const kilobytes = Number(execFileSync('du', ['-sk', app], { encoding: 'utf8' }).split('\t')[0]);
    expect(kilobytes).toBeLessThan(120_000);
  });

  test('verbs that need what was left out say so', () => {
    const { status, stderr } = spawnSync(process.execPath, ['bin/tributary.js', 'verify', artifact], {
      ...options(),
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  test('every stage is one that the last one uses', () => {
    const stages = readStages(resolve('Dockerfile'));
    const used = stages.flatMap(({ steps }) => steps.flatMap(([, rest]) => /--from=(\S+)/.exec(rest)?.[1] ?? []));
    expect(
      stages
        .map(({ name }) => name)
        .filter((name) => name !== '')
        .sort(),
    ).toEqual([...new Set(used)].sort());
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
