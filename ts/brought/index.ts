/**
 * Clients that users bring. The object is the truth and stays the user's; a native connection derived from its options
 * is an optimisation. Where none can say the same, an ioredis client is driven, and others are refused.
 */
import { Connection } from '../client.js';
import { ConfigError } from '../errors.js';
import type { ConnectionOptions } from '../options.js';
import type { Brought, OwnConnection } from './brought.js';
import { DerivedIoredisCluster, DerivedNodeRedisCluster } from './derived-clusters.js';
import { DerivedIoredis } from './derived-ioredis.js';
import { DerivedNodeRedis } from './derived-node-redis.js';
import { DrivenClient } from './driven.js';
import { fromIoredis, type IoredisClient } from './ioredis.js';
import { fromIoredisCluster, type IoredisCluster } from './ioredis-cluster.js';
import { fromNodeRedis, type NodeRedisClient } from './node-redis.js';
import { fromNodeRedisCluster, type NodeRedisCluster } from './node-redis-cluster.js';
import { Own } from './own.js';
import { isClusterClient, isNativeRefused, isSpied, recogniseClient } from './recognise.js';
import { Uncarriable, unsupportedKind, unsupportedOption, warnOfFallback } from './unsupported.js';

export type { Brought, OwnConnection } from './brought.js';
export { DRIVEN } from './recognise.js';
export { UnsupportedClientError } from './unsupported.js';

const known = new WeakMap<object, Brought>();
/** Of clusters, for those whose operations a cluster does not allow. */
const knownDriven = new WeakMap<object, Brought>();

/** What a user of clients asks of them. */
export interface Needs {
  /**
   * Its operations work on several keys at once, which lie on several nodes of a cluster: a Cluster is driven, as the
   * original's single commands can work there.
   */
  readonly manyKeys?: boolean;
}

/**
 * What serves `client`: the same for the same object and needs. Opens nothing. Objects that are no known client are driven
 * as they are: mocks, spies, doubles.
 *
 * @param user the factory or class that was given the client, named in errors and warnings
 * @throws UnsupportedClientError for a node-redis object that native code cannot stand in for
 */
export function bring(user: string, client: unknown, { manyKeys = false }: Needs = {}): Brought {
  // What is no object at all fails where the original would: at its first call.
  if ((typeof client !== 'object' && typeof client !== 'function') || client === null) {
    return new DrivenClient(client as unknown as object);
  }
  const isApart = manyKeys && isClusterClient(client);
  const before = isApart ? knownDriven : known;
  let brought = before.get(client);
  if (brought === undefined) {
    brought = isApart ? drive(user, client) : serve(user, client);
    before.set(client, brought);
  }
  return brought;
}

/**
 * A connection of one's own from a URL, options, or neither for `localhost:6379`.
 *
 * @param user the factory or class that opens it
 * @throws ConfigError naming the option
 */
export function own(user: string, options: string | ConnectionOptions | null | undefined): OwnConnection {
  try {
    return new Own(options ?? undefined);
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(`${user}: ${error.message}`) : error;
  }
}

function serve(user: string, client: object): Brought {
  const kind = recogniseClient(client);
  if (kind === 'unknown object' || isSpied(client)) return new DrivenClient(client);
  switch (kind) {
    case 'ioredis client': {
      if (isNativeRefused(client)) return new DrivenClient(client);
      const obstacle = obstacleTo(() => fromIoredis(client as IoredisClient));
      if (obstacle === undefined) return new DerivedIoredis(client as IoredisClient);
      return drive(user, client, obstacle);
    }
    case 'ioredis Cluster': {
      if (isNativeRefused(client)) return new DrivenClient(client);
      const obstacle = obstacleTo(() => fromIoredisCluster(client as IoredisCluster));
      if (obstacle === undefined) return new DerivedIoredisCluster(client as IoredisCluster);
      return drive(user, client, obstacle);
    }
    case 'node-redis client': {
      const obstacle = obstacleTo(() => fromNodeRedis(client as NodeRedisClient));
      if (obstacle !== undefined) throw unsupportedOption(user, kind, obstacle);
      return new DerivedNodeRedis(client as NodeRedisClient);
    }
    case 'node-redis cluster': {
      const obstacle = obstacleTo(() => fromNodeRedisCluster(client as NodeRedisCluster));
      if (obstacle !== undefined) throw unsupportedOption(user, kind, obstacle);
      return new DerivedNodeRedisCluster(client as NodeRedisCluster);
    }
    default:
      throw unsupportedKind(user, kind);
  }
}

/** Drives a client that would be native but for an option of it, or as a whole, and says so. */
function drive(user: string, client: object, option?: string): Brought {
  const kind = recogniseClient(client);
  if (kind.startsWith('node-redis')) throw unsupportedKind(user, kind);
  if (!isSpied(client) && !isNativeRefused(client)) warnOfFallback(user, kind, option);
  return new DrivenClient(client);
}

/** The option that stands in the way of a native connection. */
function obstacleTo(derive: () => ConnectionOptions): string | undefined {
  try {
    const wrong = Connection.check(derive());
    // Errors of options name them first.
    return wrong === undefined ? undefined : (wrong.message.split(':', 1)[0] as string);
  } catch (error) {
    if (error instanceof Uncarriable) return error.option;
    if (error instanceof ConfigError) return error.message.split(':', 1)[0] as string;
    throw error;
  }
}
