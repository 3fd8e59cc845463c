/**
 * A private folder of this process, removed when the process ends. The next process that creates one in the same place removes the
 * folders of killed processes.
 *
 * Process ids do not show whether the owner is alive, because containers have separate process ids and may share a folder. So the
 * owner listens on a socket in its folder: if nobody accepts, the owner is dead. For a folder from another machine or without a
 * socket, the age decides: owners touch all files every hour, which also protects them from cleaners of /tmp.
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
/** Identifies the machine and boot of the owner. */
const MACHINE = 'machine';
const SOCKET = 'alive';
/** Max length of a socket path on all systems. */
const SOCKET_PATH = 100;
const HOUR_MS = 3_600_000;
const ABANDONED_MS = 24 * HOUR_MS;

export interface PrivateFolder {
  path: string;
  /** Removes the folder. Files that are mapped into memory stay readable. */
  remove(): void;
}

/** Folders to remove when the process ends. */
const alive = new Set<PrivateFolder>();
let listensToExit = false;

/**
 * @param parent parent folder; default: the system's temporary folder
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

/** Accepts while this process is alive, without keeping it alive. */
function listen(path: string): Promise<Server | undefined> {
  if (process.platform === 'win32' || path.length > SOCKET_PATH) return Promise.resolve(undefined);
  return new Promise((done) => {
    const server = createServer((socket) => void socket.destroy());
    server.on('error', () => done(undefined));
    server.listen({ path, exclusive: true }, () => done(server));
    server.unref();
  });
}

/** Removes folders of this user's dead processes. Folders that cannot be removed stay. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    try {
      const stat = lstatSync(path);
      if (!stat.isDirectory() || stat.uid !== (process.getuid?.() ?? stat.uid)) continue;
      if (!(await isOwned(path))) rmSync(path, { recursive: true, force: true });
    } catch {
      // Another process is removing it as well.
    }
  }
}

async function isOwned(path: string): Promise<boolean> {
  const isRecent = Date.now() - lstatSync(path).mtimeMs < ABANDONED_MS;
  const [owner, socket] = [MACHINE, SOCKET].map((name) => join(path, name));
  const files = readdirSync(path);
  // Its owner may be about to create these files.
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
    // An overloaded owner (EAGAIN) is alive.
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
    // Try again in an hour.
  }
}
