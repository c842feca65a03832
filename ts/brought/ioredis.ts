/** What an ioredis client says about its connection. Its `options` are complete: URL and defaults are in. */
import type { ConnectionOptions, ServerAddress } from '../options.js';
import { addressMap } from './cluster.js';
import { type Bag, clientName, compact, family, isBag, isUnset, milliseconds, number, text } from './foreign.js';
import { deriveTls } from './tls.js';
import { refuseSet, Uncarriable } from './unsupported.js';

/** The part of an ioredis client that is used. */
export interface IoredisClient {
  readonly options: Bag;
  /** `wait`, `connecting`, `connect`, `ready`, `close`, `reconnecting` or `end`. */
  readonly status: string;
  /** From `quit()` or `disconnect()` on, until `end`: the status says `ready` all that time. */
  readonly manuallyClosing?: boolean;
  /** What holds since the first connect; `select` is the database chosen at run time. */
  readonly condition?: { readonly select?: number } | null;
  connect(): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
}

const SENTINEL_PORT = 26_379;
const UNCARRIABLE = ['Connector', 'monitor'] as const;

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
  return compact<ConnectionOptions>({
    ...(isUnset(options.sentinels) ? standalone(options) : sentinel(options)),
    username: text(options.username),
    password: text(options.password),
    db: ioredisDatabase(client),
    readOnly: options.readOnly === true ? true : undefined,
    connectTimeout: milliseconds(options.connectTimeout),
    callTimeout: milliseconds(options.commandTimeout),
    failFast: options.enableOfflineQueue === false ? true : undefined,
    clientName: clientName(options.connectionName),
  });
}

/** The defaults of host and port are there even when a path is set. */
function standalone(options: Bag): ConnectionOptions {
  const path = text(options.path);
  if (path !== undefined) return { path };
  return {
    host: text(options.host) ?? 'localhost',
    port: number(options.port) ?? 6379,
    family: family(options.family),
    tls: isUnset(options.tls) ? undefined : dataTls(options),
  };
}

function sentinel(options: Bag): ConnectionOptions {
  // A client of replicas wants other servers than ours goes to, and a function can name any.
  if (!isUnset(options.role) && options.role !== 'master') throw new Uncarriable('role');
  const entries = Array.isArray(options.sentinels) ? options.sentinels.filter(isBag) : [];
  const families = new Set(entries.map((entry) => family(entry.family)));
  return {
    sentinels: entries.map((entry) =>
      compact<ServerAddress>({ host: text(entry.host), port: number(entry.port) ?? SENTINEL_PORT }),
    ),
    sentinelName: text(options.name),
    sentinelUsername: text(options.sentinelUsername),
    sentinelPassword: text(options.sentinelPassword),
    sentinelTls: isBag(options.sentinelTLS) ? deriveTls(options.sentinelTLS, 'sentinelTLS.') : undefined,
    family: families.size === 1 ? [...families][0] : undefined,
    natMap: addressMap(options.natMap, 'natMap'),
    // Without that option ioredis speaks to the master in the clear, whatever `tls` says.
    tls: options.enableTLSForSentinelMode === true && !isUnset(options.tls) ? dataTls(options) : undefined,
  };
}

function dataTls(options: Bag): ConnectionOptions['tls'] {
  const tls = isBag(options.tls) ? options.tls : {};
  // ioredis spreads these over the address.
  refuseSet(tls, ['host', 'port', 'path'], 'tls.');
  return deriveTls(tls, 'tls.');
}
