/**
 * A folder of this process alone, gone when the process ends. One that a killed process left is removed by the next that
 * makes one in the same place.
 *
 * Process numbers do not tell who lives: containers number their processes anew and may share a folder. So the owner
 * listens on a socket in its folder: where nobody accepts, nobody lives. Of a folder from another machine, or without a
 * socket, the age decides: its owner touches everything in it every hour, which also keeps cleaners of /tmp away.
 */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';

const PREFIX = 'tributary-serving-';
/** Which start of which machine the owner belongs to. */
const MACHINE = 'machine';
const SOCKET = 'alive';
/** What a socket's path may have on every system. */
const SOCKET_PATH = 100;
const HOUR_MS = 3_600_000;
const ABANDONED_MS = 24 * HOUR_MS;

export interface PrivateFolder {
  path: string;
  /** Removes the folder. What is mapped from it stays readable. */
  remove(): void;
}

/** Folders to be removed when the process ends. */
const alive = new Set<PrivateFolder>();
let listensToExit = false;

/**
 * @param parent where; default the system's folder for temporary files
 * @throws CACHE_UNWRITABLE
 */
export async function makePrivateFolder(parent: string = tmpdir()): Promise<PrivateFolder> {
  let path: string;
  try {
    mkdirSync(parent, { recursive: true });
    await removeAbandoned(parent);
    path = mkdtempSync(join(parent, PREFIX)); // 0700
    writeFileSync(join(path, MACHINE), machine());
  } catch (cause) {
    throw error('CACHE_UNWRITABLE', { folder: parent, reason: (cause as Error).message }, cause);
  }
  const server = await listen(join(path, SOCKET));
  const touching = setInterval(() => touch(path), HOUR_MS).unref();
  const folder: PrivateFolder = {
    path,
    remove() {
      if (!alive.delete(folder)) return;
      clearInterval(touching);
      server?.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
  alive.add(folder);
  if (!listensToExit) process.on('exit', () => [...alive].forEach((open) => void open.remove()));
  listensToExit = true;
  return folder;
}

/** Accepts as long as this process lives, and keeps it from nothing. */
function listen(path: string): Promise<Server | undefined> {
  if (process.platform === 'win32' || path.length > SOCKET_PATH) return Promise.resolve(undefined);
  return new Promise((done) => {
    const server = createServer((socket) => void socket.destroy());
    server.on('error', () => done(undefined));
    server.listen({ path, exclusive: true }, () => done(server));
    server.unref();
  });
}

/** Removes what dead processes of this user left. What cannot be removed stays. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    try {
      const stat = lstatSync(path);
      if (!stat.isDirectory() || stat.uid !== (process.getuid?.() ?? stat.uid)) continue;
      if (!(await isOwned(path))) rmSync(path, { recursive: true, force: true });
    } catch {
      // Another process removes it, too.
    }
  }
}

async function isOwned(path: string): Promise<boolean> {
  const isRecent = Date.now() - lstatSync(path).mtimeMs < ABANDONED_MS;
  const [owner, socket] = [MACHINE, SOCKET].map((name) => join(path, name));
  const files = readdirSync(path);
  // Its owner may be about to write them.
  if (!files.includes(MACHINE) || !files.includes(SOCKET)) return isRecent;
  if (readFileSync(owner, 'utf8') !== machine()) return isRecent;
  return accepts(socket);
}

const accepts = (path: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect({ path });
    socket.on('connect', () => {
      socket.destroy();
      done(true);
    });
    // A crowded owner (EAGAIN) lives.
    socket.on('error', ({ code }: NodeJS.ErrnoException) => done(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });

/** Differs after a restart of the machine; equal in all containers of a machine (Linux). */
function machine(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

function touch(folder: string): void {
  const now = new Date();
  try {
    for (const name of readdirSync(folder, { recursive: true })) utimesSync(join(folder, String(name)), now, now);
    utimesSync(folder, now, now);
  } catch {
    // The next hour comes.
  }
}
