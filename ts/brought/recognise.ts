/**
 * What kind of client an object is, by its shape: neither `instanceof` nor `constructor.name` works across the copies and
 * versions of the packages. ioredis 5 and 6 (and iovalkey, its fork), node-redis 5 and 6. Only properties are read.
 */
import { EventEmitter } from 'node:events';
import process from 'node:process';

import { type Bag, isBag } from './foreign.js';

/** What a brought object turned out to be. */
export type ClientKind =
  | 'ioredis client'
  | 'ioredis Cluster'
  | 'node-redis client'
  | 'node-redis cluster'
  | 'node-redis sentinel'
  | 'node-redis pool'
  | 'unknown object';

/** A client with this property set to `true` is driven, never replaced by a native connection. */
export const DRIVEN: unique symbol = Symbol.for('ferrodis.driven') as never;

/** What kind of client an object is. */
export function recogniseClient(client: unknown): ClientKind {
  if (!isBag(client)) return 'unknown object';
  if (client.isCluster === true && Array.isArray(client.startupNodes) && isBag(client.options)) {
    return 'ioredis Cluster';
  }
  if (
    client.isCluster === false &&
    typeof client.status === 'string' &&
    isBag(client.options) &&
    isBag(client.connector) &&
    typeof client.connector.connect === 'function' &&
    typeof client.sendCommand === 'function'
  ) {
    return 'ioredis client';
  }
  if (typeof client.isOpen !== 'boolean') return 'unknown object';
  if (typeof client.isReady === 'boolean' && typeof client.legacy === 'function' && isBag(client.options)) {
    return 'node-redis client';
  }
  const hidden = client['_options'];
  if (isBag(hidden) && Array.isArray(hidden.rootNodes)) return 'node-redis cluster';
  if (typeof client.getSentinelNode === 'function') return 'node-redis sentinel';
  if (typeof client.totalClients === 'number' && typeof client.execute === 'function') return 'node-redis pool';
  return 'unknown object';
}

/** The kind with its article, for messages. */
export function aKind(kind: ClientKind): string {
  if (kind === 'unknown object') return 'an object that is no known Redis client';
  return `${kind.startsWith('i') ? 'an' : 'a'} ${kind}`;
}

/**
 * Whether a method of a real client was replaced on the instance, as test spies do: whoever did that wants to see the
 * calls. Events are left out, since tracing tools replace `emit`.
 */
export function isSpied(client: object): boolean {
  const inherited = Object.getPrototypeOf(client) as Bag | null;
  return Object.getOwnPropertyNames(client).some(
    (name) =>
      typeof (client as Bag)[name] === 'function' &&
      typeof inherited?.[name] === 'function' &&
      !(name in EventEmitter.prototype),
  );
}

/** Whether the user asked for the object itself: for this client, or in the environment (`REDIS_NATIVE=0`). */
export function isNativeRefused(client: object): boolean {
  return process.env['REDIS_NATIVE'] === '0' || (client as { [DRIVEN]?: unknown })[DRIVEN] === true;
}

/** Whether it spreads its keys over several nodes. */
export function isClusterClient(client: unknown): boolean {
  const kind = recogniseClient(client);
  return kind === 'ioredis Cluster' || kind === 'node-redis cluster';
}

/** Whether a recognised client, of one server or of a cluster, has been opened and not ended. */
export function isClientOpen(client: object): boolean {
  const { isOpen, status } = client as Bag;
  return typeof status === 'string' ? status !== 'wait' && status !== 'end' : isOpen === true;
}
