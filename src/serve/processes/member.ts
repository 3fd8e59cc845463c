/** A worker process as its primary sees it: asked regularly whether it is alive, and killed if it does not answer. */
import cluster from 'node:cluster';
import { error } from '../../base/errors/index.ts';
import { createLink, type Handlers } from '../../base/link.ts';
import type { Beat } from './worker.ts';

/** Time for a process to start, however busy the machine is. */
const BOOT_SECONDS = 30;

export interface Member {
  pid: number;
  /** Throws WORKER_SILENT after `seconds` (default: `hangSeconds`), SWAP_FAILED if the process ends. */
  ask<T>(name: string, value?: unknown, seconds?: number): Promise<T>;
  /** Kills the process, whatever it is doing. */
  kill(reason: string): void;
  ended: Promise<End>;
  hasEnded(): boolean;
  /** Can it be using the private copy in `folder`, which was given to no worker after `since` (Date.now)? */
  mayUse(folder: string, since: number): boolean;
}

/** How a process ended. */
export interface End {
  /** Its signal or exit code; `killed` if its primary killed it. */
  how: string;
  /** The same for the log. */
  reason: string;
}

export interface MemberOptions {
  hangSeconds: number;
  /** Questions that it may ask. */
  handlers: Handlers;
  /** Called whenever it says that it is alive. */
  onBeat?: () => void;
}

/** Starts a process; `isListening` resolves when it can be asked. */
export function forkMember({ hangSeconds, handlers, onBeat = () => {} }: MemberOptions): {
  member: Member;
  isListening: Promise<void>;
} {
  const worker = cluster.fork();
  const pid = worker.process.pid ?? 0;
  let killedFor: string | undefined;
  let isGone = false;
  let lastBeat: (Beat & { asked: number }) | undefined;
  let onListening = (): void => {};
  const peer = `worker ${pid}`;
  const link = createLink(worker, { ...handlers, listening: () => onListening() }, { peer, seconds: hangSeconds });
  worker.on('error', () => {}); // a message to a process that has just ended; `exit` reports that
  const ended = new Promise<End>((resolve) => {
    worker.once('exit', (code, signal) => {
      isGone = true;
      clearInterval(beating);
      const how = signal ?? `code ${code}`;
      const reason = killedFor ?? how;
      link.cut(error('SWAP_FAILED', { reason: `${peer} ended (${reason})` }));
      resolve({ how: killedFor === undefined ? how : 'killed', reason });
    });
  });

  const member: Member = {
    pid,
    ask: link.ask,
    kill(reason) {
      killedFor ??= reason;
      worker.process.kill('SIGKILL');
    },
    ended,
    hasEnded: () => isGone,
    mayUse: (folder, since) =>
      !isGone && (lastBeat === undefined || lastBeat.asked <= since || lastBeat.folders.includes(folder)),
  };

  let isAsked = false;
  const beat = async (): Promise<void> => {
    if (isAsked) return;
    isAsked = true;
    const asked = Date.now();
    try {
      lastBeat = { ...(await link.ask<Beat>('alive')), asked };
      onBeat();
    } catch {
      if (!isGone) member.kill(`no sign of life for ${hangSeconds} s`);
    } finally {
      isAsked = false;
    }
  };
  let beating: NodeJS.Timeout | undefined;

  // Messages sent before the worker's program listens would be lost.
  const isListening = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      member.kill(`not started within ${BOOT_SECONDS} s`);
      reject(error('WORKER_SILENT', { peer, question: 'start', seconds: BOOT_SECONDS }));
    }, BOOT_SECONDS * 1000);
    onListening = () => {
      clearTimeout(late);
      beating = setInterval(beat, Math.min(Math.max(hangSeconds * 200, 50), 1000));
      resolve();
    };
    void ended.then(({ reason }) => {
      clearTimeout(late);
      reject(error('SWAP_FAILED', { reason: `${peer} ended (${reason})` }));
    });
  });
  return { member, isListening };
}
