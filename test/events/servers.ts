/** Servers that keep events, as Debian installs them: each on a free port of this machine, gone after the tests of a file. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every character that a URL gives a meaning. */
export const PASSWORD = 'p@ss:w/rd?#[1]%20&x';

export interface TestServer {
  port: number;
  /** At the port given: that of a proxy, or its own. */
  url(port: number): string;
  start(): Promise<void>;
  /** As a crash. */
  stop(): Promise<void>;
  /** Stops it and removes what it stored. */
  remove(): Promise<void>;
}

/** PostgreSQL 15 of Debian; undefined where it is not installed. */
export async function postgresServer(): Promise<TestServer | undefined> {
  const bin = binOfPostgres();
  if (bin === undefined) return undefined;
  // The server refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  const data = join(folder, 'data');
  writeFileSync(join(folder, 'password'), PASSWORD);
  mkdirSync(data, { mode: 0o700 });
  if (user.uid !== undefined)
    for (const path of [folder, data, join(folder, 'password')]) chownSync(path, user.uid, user.gid);
  const words = ['-D', data, '-U', 'shop', '-A', 'scram-sha-256', `--pwfile=${join(folder, 'password')}`];
  execFileSync(join(bin, 'initdb'), [...words, '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'], {
    ...user,
    cwd: folder,
  });
  const port = await freePort();
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'shared_buffers=16MB',
  ];
  const command = [join(bin, 'postgres'), '-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  return server({
    port,
    folder,
    url: (at) => `postgres://shop:${encodeURIComponent(PASSWORD)}@127.0.0.1:${at}/postgres`,
    start: () => spawn(command[0], command.slice(1), { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] }),
    ready: (log) => log.includes('ready to accept connections'),
    crash: 'SIGQUIT',
  });
}

/** Redis 7 of Debian; undefined where it is not installed. */
export async function redisServer(): Promise<TestServer | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const port = await freePort();
  writeFileSync(
    join(folder, 'redis.conf'),
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${folder}`,
      'save ""',
      'appendonly yes',
      'appendfsync always',
      `requirepass "${PASSWORD}"`,
    ].join('\n'),
  );
  return server({
    port,
    folder,
    url: (at) => `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${at}`,
    start: () => spawn('redis-server', [join(folder, 'redis.conf')], { stdio: ['ignore', 'pipe', 'ignore'] }),
    ready: (log) => log.includes('Ready to accept connections'),
    crash: 'SIGKILL',
  });
}

function binOfPostgres(): string | undefined {
  const folder = '/usr/lib/postgresql';
  const versions = existsSync(folder) ? readdirSync(folder) : [];
  return versions.map((version) => join(folder, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

interface Program extends Pick<TestServer, 'port' | 'url'> {
  folder: string;
  start: () => ChildProcess;
  ready: (log: string) => boolean;
  crash: NodeJS.Signals;
}

async function server({ port, url, folder, start, ready, crash }: Program): Promise<TestServer> {
  let child: ChildProcess | undefined;
  const self: TestServer = {
    port,
    url,
    start: () =>
      new Promise((resolve, reject) => {
        child = start();
        let log = '';
        (child.stdout ?? child.stderr)?.on('data', (data) => {
          log += data;
          if (ready(log)) resolve();
        });
        child.once('exit', (code) => reject(new Error(`the server ended with code ${code}: ${log}`)));
      }),
    async stop() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((done) => void child?.once('exit', done));
      child.kill(crash);
      await ended;
    },
    async remove() {
      await self.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await self.start();
  return self;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

/** The network between a client and a server. */
export interface Network {
  port: number;
  /** Each answer of the server comes so much later. */
  delayMs: number;
  /** Requests arrive, answers do not. */
  losesAnswers: boolean;
  /** Ends all connections. */
  cut(): void;
  close(): void;
}

export function networkTo(port: number): Promise<Network> {
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.pipe(server);
    server.on('data', (data) => {
      if (network.losesAnswers) return;
      if (network.delayMs === 0) client.write(data);
      else setTimeout(() => client.write(data), network.delayMs);
    });
  });
  const network: Network = {
    port: 0,
    delayMs: 0,
    losesAnswers: false,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    close() {
      network.cut();
      proxy.close();
    },
  };
  return new Promise((resolve) => {
    proxy.listen(0, '127.0.0.1', () => {
      network.port = (proxy.address() as { port: number }).port;
      resolve(network);
    });
  });
}
