/** What the user's own functions and credentials say before a native connection is made. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Advice, Attempt } from '../client.js';
import { isBag, text } from './foreign.js';
import type { IoredisClient } from './ioredis.js';
import { type Credentials, nodeRedisCredentials, type NodeRedisClient } from './node-redis.js';
import { MaxRetriesPerRequestError } from './words.js';

/** Pause before a credentials provider that failed is asked again. */
const ASK_AGAIN_MS = 1_000;

let owners = 0;

/** A number for one that shares its connections with nobody. */
export function newOwner(): number {
  return ++owners;
}

/**
 * What an ioredis client says. Its options are read anew: people change passwords there.
 *
 * @param ended what to give up with when the client says no more than that
 * @returns an error when the client would make no more attempts, or rejects what waits
 */
export function adviseIoredis(client: IoredisClient, attempt: Attempt, ended: Error): Advice | Error {
  const { username, password, retryStrategy, maxRetriesPerRequest: most } = client.options;
  const credentials = { username: text(username), password: text(password) };
  if (attempt.number === 0) return { credentials };
  const pause: unknown = typeof retryStrategy === 'function' ? retryStrategy(attempt.number) : undefined;
  if (typeof pause !== 'number') return ended;
  if (attempt.purpose === 'calls' && typeof most === 'number' && most >= 0 && attempt.number % (most + 1) === 0) {
    return new MaxRetriesPerRequestError(most);
  }
  return { pause, credentials };
}

/**
 * What a node-redis client says.
 *
 * @param cause why there is no connection
 * @param ended as for {@link adviseIoredis}
 */
export async function adviseNodeRedis(
  client: NodeRedisClient,
  attempt: Attempt,
  cause: Error | undefined,
  ended: Error,
): Promise<Advice | Error> {
  // node-redis counts the retries that there were, from 0.
  const pause = attempt.number === 0 ? undefined : pauseOf(client, attempt.number - 1, cause, ended);
  return pause instanceof Error ? pause : { pause, credentials: await credentialsOf(client) };
}

/** What the user's strategy says: ms, an error to give up with, or undefined for the usual. */
function pauseOf(
  client: NodeRedisClient,
  retries: number,
  cause: Error | undefined,
  ended: Error,
): number | Error | undefined {
  const { socket } = client.options;
  const strategy = isBag(socket) ? socket.reconnectStrategy : undefined;
  let pause: unknown = strategy;
  if (typeof strategy === 'function') {
    try {
      pause = strategy(retries, cause);
    } catch {
      // The client calls it too, and says so; it goes on at its usual pace then.
      return undefined;
    }
  }
  if (pause === false) return ended;
  return typeof pause === 'number' || pause instanceof Error ? pause : undefined;
}

async function credentialsOf(client: NodeRedisClient): Promise<Credentials> {
  for (;;) {
    try {
      return await nodeRedisCredentials(client);
    } catch {
      await sleep(ASK_AGAIN_MS, undefined, { ref: false });
    }
  }
}
