/** Connection options from a client that is open now, for adapters that keep a connection of their own. */
import type { Principal } from '../client.js';
import type { ConnectionOptions } from '../options.js';
import { adviseIoredis, adviseNodeRedis, newOwner } from './advice.js';
import { compact } from './foreign.js';
import { fromIoredis, type IoredisClient } from './ioredis.js';
import {
  fromIoredisCluster,
  type IoredisCluster,
  ioredisClusterCredentials,
  ioredisClusterKeyPrefix,
} from './ioredis-cluster.js';
import {
  fromNodeRedis,
  nodeRedisCredentials,
  nodeRedisDatabase,
  nodeRedisKeyPrefix,
  type NodeRedisClient,
} from './node-redis.js';
import {
  fromNodeRedisCluster,
  type NodeRedisCluster,
  nodeRedisClusterCredentials,
  nodeRedisClusterKeyPrefix,
} from './node-redis-cluster.js';
import { recogniseClient } from './recognise.js';
import { refuseSet, Uncarriable, unsupportedKind, unsupportedOption } from './unsupported.js';

/** The text that the client's own library gives once it has ended. */
export function endedText(client: object): string {
  return recogniseClient(client).startsWith('ioredis') ? 'Connection is closed.' : 'The client is closed';
}

/** The event by which the client says that. */
export function endEvent(client: object): 'end' | 'disconnect' {
  return recogniseClient(client) === 'node-redis cluster' ? 'disconnect' : 'end';
}

/**
 * The native connection that says the same as an open client: server, credentials, the database it has selected, time
 * limits. Asks a node-redis client for its database, and its credentials provider for the credentials.
 *
 * @param user names who was given the client, in errors
 * @throws UnsupportedClientError when the kind, or an option that is set, cannot be carried
 */
export async function deriveOptions(user: string, client: object): Promise<ConnectionOptions> {
  const kind = recogniseClient(client);
  try {
    if (kind === 'ioredis client') return ofIoredis(client as IoredisClient);
    if (kind === 'node-redis client') return await ofNodeRedis(client as NodeRedisClient);
    if (kind === 'ioredis Cluster') return ofIoredisCluster(client as IoredisCluster);
    if (kind === 'node-redis cluster') return await ofNodeRedisCluster(client as NodeRedisCluster);
  } catch (error) {
    throw error instanceof Uncarriable ? unsupportedOption(user, kind, error.option) : error;
  }
  throw unsupportedKind(user, kind);
}

/** @throws Uncarriable also for what only a brought client that is watched can see to */
function ofIoredis(client: IoredisClient): ConnectionOptions {
  refuseSet(client.options, ['keyPrefix', 'reconnectOnError']);
  return fromIoredis(client);
}

async function ofNodeRedis(client: NodeRedisClient): Promise<ConnectionOptions> {
  if (nodeRedisKeyPrefix(client) !== '') throw new Uncarriable('keyPrefix');
  const options = fromNodeRedis(client);
  const credentials = await nodeRedisCredentials(client);
  return compact<ConnectionOptions>({ ...options, ...credentials, db: await nodeRedisDatabase(client) });
}

function ofIoredisCluster(client: IoredisCluster): ConnectionOptions {
  if (ioredisClusterKeyPrefix(client) !== '') throw new Uncarriable('keyPrefix');
  return fromIoredisCluster(client);
}

async function ofNodeRedisCluster(client: NodeRedisCluster): Promise<ConnectionOptions> {
  if (nodeRedisClusterKeyPrefix(client) !== '') throw new Uncarriable('keyPrefix');
  return compact<ConnectionOptions>({
    ...fromNodeRedisCluster(client),
    ...(await nodeRedisClusterCredentials(client)),
  });
}

const owners = new WeakMap<object, number>();

/**
 * On whose behalf such a connection is made: the client's credentials and strategies are asked before each attempt. Where
 * they give up, the connection goes on at its own pace: it ends when the client does, and whoever keeps it sees to that.
 *
 * @param cause why there is no connection at the moment
 */
export function principalOf(client: object, cause: () => Error | undefined): Principal {
  const owner = owners.get(client) ?? newOwner();
  owners.set(client, owner);
  const ended = new Error(endedText(client));
  const kind = recogniseClient(client);
  return {
    owner,
    refusal: (error) => error,
    advise: async (attempt) => {
      if (kind === 'ioredis Cluster') return { credentials: ioredisClusterCredentials(client as IoredisCluster) };
      if (kind === 'node-redis cluster') {
        return { credentials: await nodeRedisClusterCredentials(client as NodeRedisCluster) };
      }
      const advice =
        kind === 'ioredis client'
          ? adviseIoredis(client as IoredisClient, attempt, ended)
          : await adviseNodeRedis(client as NodeRedisClient, attempt, cause(), ended);
      return advice instanceof Error ? {} : advice;
    },
  };
}
