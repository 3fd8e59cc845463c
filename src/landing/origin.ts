/** Where the rows of a source come from, if not from files. */
import { canonicalJson, sha256 } from '../base/hash.ts';
import type { SourceConfig } from '../data/sources/source.ts';
import { type Server, serverOf } from '../events/server.ts';

interface Common {
  /** Hash of what is asked, and of whom; never of a user or a password. */
  key: string;
  /** For people. */
  from: string;
  /** The configuration's name for the state of the rows. */
  snapshot?: string;
}

export interface DatabaseOrigin extends Common {
  kind: 'postgres' | 'clickhouse';
  server: Server;
  query: string;
}

export interface CommandOrigin extends Common {
  kind: 'command';
  words: readonly string[];
}

export type Origin = DatabaseOrigin | CommandOrigin;

const SCHEMES = { postgres: ['postgres:', 'postgresql:'], clickhouse: ['http:', 'https:'] };

/** Undefined for files. Throws EVENTS_SECRET, EVENTS_URL. */
export function originOf(source: string, config: SourceConfig): Origin | undefined {
  if (config.command !== undefined) {
    const words = config.command;
    const key = sha256(canonicalJson({ command: words, format: config.format }));
    return { kind: 'command', words, key, from: `the command ${words[0]}` };
  }
  const kind = (['postgres', 'clickhouse'] as const).find((one) => config[one] !== undefined);
  const database = kind && config[kind];
  if (kind === undefined || database === undefined) return undefined;
  const server = serverOf(database.url, SCHEMES[kind], `sources.${source}.${kind}.url`);
  const { host, pathname, searchParams } = new URL(server.url);
  const place = `${host}${pathname}${kind === 'clickhouse' ? (searchParams.get('database') ?? '') : ''}`;
  const { snapshot } = database;
  const query = queryOf(database);
  return {
    kind,
    server,
    query,
    snapshot,
    key: sha256(canonicalJson({ kind, place, query })),
    from: `${kind} ${place}`,
  };
}

/** Without the semicolon at its end: it becomes part of another query. */
function queryOf({ query, table, where }: { query?: string; table?: string; where?: string }): string {
  if (query !== undefined) return query.replace(/;\s*$/, '');
  return `SELECT * FROM ${table}${where === undefined ? '' : ` WHERE ${where}`}`;
}
