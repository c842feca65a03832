/** Connection options from a client that is open now, for adapters that keep a connection of their own. */
import type { ConnectionOptions } from '../options.js';
import { compact } from './foreign.js';
import { fromIoredis, ioredisKeyPrefix, type IoredisClient } from './ioredis.js';
import {
  fromNodeRedis,
  nodeRedisCredentials,
  nodeRedisDatabase,
  nodeRedisKeyPrefix,
  type NodeRedisClient,
} from './node-redis.js';
import { type ClientKind, recogniseClient } from './recognise.js';
import { Uncarriable, unsupportedKind, unsupportedOption } from './unsupported.js';

/** The text that the client's own library gives once it has ended. */
export function endedText(client: object): string {
  return recogniseClient(client).startsWith('ioredis') ? 'Connection is closed.' : 'The client is closed';
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
  } catch (error) {
    throw refusal(user, kind, error);
  }
  throw unsupportedKind(user, kind);
}

/** What a failed derivation is to the user. */
export function refusal(user: string, kind: ClientKind, error: unknown): unknown {
  return error instanceof Uncarriable ? unsupportedOption(user, kind, error.option) : error;
}

/** @throws Uncarriable also for a key prefix: who keeps a connection of his own does not know it */
function ofIoredis(client: IoredisClient): ConnectionOptions {
  if (ioredisKeyPrefix(client) !== '') throw new Uncarriable('keyPrefix');
  return fromIoredis(client);
}

async function ofNodeRedis(client: NodeRedisClient): Promise<ConnectionOptions> {
  if (nodeRedisKeyPrefix(client) !== '') throw new Uncarriable('keyPrefix');
  const options = fromNodeRedis(client);
  const credentials = await nodeRedisCredentials(client);
  return compact<ConnectionOptions>({ ...options, ...credentials, db: await nodeRedisDatabase(client) });
}
