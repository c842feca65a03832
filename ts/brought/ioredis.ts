/** What a standalone ioredis client says about its connection. Its `options` are complete: URL and defaults are in. */
import type { ConnectionOptions } from '../options.js';
import { type Bag, compact, isBag, isUnset, number, text } from './foreign.js';
import { deriveTls } from './tls.js';
import { refuseSet } from './unsupported.js';

/** The part of an ioredis client that is used. */
export interface IoredisClient {
  readonly options: Bag;
  /** `wait`, `connecting`, `connect`, `ready`, `close`, `reconnecting` or `end`. */
  readonly status: string;
  /** What holds since the first connect; `select` is the database chosen at run time. */
  readonly condition?: { readonly select?: number } | null;
  connect(): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
}

const UNCARRIABLE = ['Connector', 'monitor', 'sentinels', 'readOnly'] as const;

/** The prefix that the client puts before key arguments. */
export function ioredisKeyPrefix(client: IoredisClient): string {
  return text(client.options.keyPrefix) ?? '';
}

/** The database that the client has selected. */
export function ioredisDatabase(client: IoredisClient): number {
  return client.condition?.select ?? number(client.options.db) ?? 0;
}

/**
 * The native connection that says the same.
 *
 * @throws Uncarriable
 */
export function fromIoredis(client: IoredisClient): ConnectionOptions {
  const { options } = client;
  refuseSet(options, UNCARRIABLE);
  const tls = isBag(options.tls) ? options.tls : {};
  // ioredis spreads these over the address.
  refuseSet(tls, ['host', 'port', 'path'], 'tls.');
  const path = text(options.path);
  return compact<ConnectionOptions>({
    ...(path === undefined
      ? { host: text(options.host) ?? 'localhost', port: number(options.port) ?? 6379 }
      : { path }),
    username: text(options.username),
    password: text(options.password),
    db: ioredisDatabase(client),
    tls: isUnset(options.tls) || path !== undefined ? undefined : deriveTls(tls, 'tls.'),
    connectTimeout: number(options.connectTimeout),
    callTimeout: number(options.commandTimeout),
    failFast: options.enableOfflineQueue === false ? true : undefined,
    clientName: text(options.connectionName),
  });
}
