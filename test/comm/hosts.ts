/** Two hosts on one machine: network namespaces with names of their own, joined by a cable. Needs root and iproute2. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, ended, missing } from './mpi.ts';

const NETWORK = '10.77.0';

/** The network device of each host: its end of the cable. */
export const DEVICE = 'cable';

/** Why there cannot be two hosts here, or undefined. */
export function noHosts(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux alone';
  if (process.getuid?.() !== 0) return 'making network namespaces needs root';
  if (spawnSync('ip', ['-V']).status !== 0) return 'there is no ip (Debian: apt-get install iproute2)';
  const name = `tributary-try-${process.pid}`;
  const { status, stderr } = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (status !== 0) return `this machine allows no network namespaces: ${stderr.trim()}`;
  spawnSync('ip', ['netns', 'delete', name]);
  return missing('Open MPI');
}

export interface Hosts {
  names: string[];
  /** Runs a script on `perHost` ranks of each host, by Open MPI over TCP. */
  run(perHost: number, words: string[]): Promise<Ended>;
  /** Bytes that each host has sent over the cable so far. */
  sent(): number[];
  close(): void;
}

export function twoHosts(): Hosts {
  const names = ['a', 'b'].map((end) => `tributary-${end}-${process.pid}`);
  const folder = mkdtempSync(join(tmpdir(), 'tributary-hosts-'));
  const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' });
  const close = (): void => {
    for (const name of names) spawnSync('ip', ['netns', 'delete', name]); // its end of the cable goes with it
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const name of names) ip('netns', 'add', name);
    const [a, b] = names;
    ip('-n', a, 'link', 'add', DEVICE, 'type', 'veth', 'peer', 'name', DEVICE, 'netns', b);
    for (const [i, name] of names.entries()) {
      ip('-n', name, 'address', 'add', `${NETWORK}.${i + 1}/24`, 'dev', DEVICE);
      for (const device of ['lo', DEVICE]) ip('-n', name, 'link', 'set', device, 'up');
    }
    const agent = writeAgent(folder, names);
    return {
      names,
      run(perHost, words) {
        const hosts = names.map((_, i) => `${NETWORK}.${i + 1}:${perHost}`).join(',');
        const only = ['btl_tcp_if_include', 'oob_tcp_if_include'].flatMap((name) => ['--mca', name, `${NETWORK}.0/24`]);
        const options = ['--allow-run-as-root', '--bind-to', 'none', '--quiet', '--host', hosts];
        const mpirun = ['mpirun.openmpi', ...options, '--mca', 'plm_rsh_agent', agent, ...only, ...words];
        return ended('ip', ['netns', 'exec', a, ...named(a), ...mpirun], {});
      },
      sent: () =>
        names.map((name) => {
          const [{ stats64 }] = JSON.parse(ip('-n', name, '-s', '-j', 'link', 'show', DEVICE));
          return stats64.tx.bytes;
        }),
      close,
    };
  } catch (cause) {
    close();
    throw cause;
  }
}

/** Words before a command that runs on a host under its name. */
const named = (host: string): string[] => ['unshare', '--uts', 'sh', '-c', `hostname ${host}; exec "$@"`, 'sh'];

/** Stands in for ssh: mpirun gives it options, a host and a command line. */
function writeAgent(folder: string, names: string[]): string {
  const path = join(folder, 'agent.sh');
  const cases = names.map((name, i) => `${NETWORK}.${i + 1}) host=${name} ;;`);
  const script = [
    '#!/bin/sh',
    'while case "$1" in -*) true ;; *) false ;; esac; do shift; done',
    `case "$1" in ${cases.join(' ')} *) exit 1 ;; esac`,
    'shift',
    'exec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"',
  ];
  writeFileSync(path, `${script.join('\n')}\n`);
  chmodSync(path, 0o755);
  return path;
}
