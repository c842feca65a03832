/** `redisBroker`: messages between processes over one channel. */
import { bring } from '../brought/index.js';
import { operations, type Reply } from '../client.js';
import { type Inbound, inboundOf } from './inbound.js';
import { argument } from '../text.js';
import type { Broker, RedisBrokerOptions, RedisLike } from './types.js';

const OPERATIONS = operations('ayepi') as Record<'publish', number>;

const readNothing = (reply: Reply): void => reply.skip();

/**
 * A broker on a client. Opens what it listens on at once, so that a first listener misses little.
 *
 * @param user the factory, named in errors
 */
export function createBroker(user: string, client: RedisLike, options: RedisBrokerOptions): Broker {
  const channel = options.channel ?? 'ayepi';
  const { onError } = options;
  const outbound = bring(user, client);
  const listeners = new Set<(message: string) => void>();
  const inbound: Inbound = inboundOf(user, client, outbound, channel, options);
  let wired = false;

  // The set is live: who is added or removed by a listener counts for the same message.
  const dispatch = (message: string): void => {
    for (const listener of listeners) {
      try {
        listener(message);
      } catch (error) {
        onError?.(error);
      }
    }
  };

  const send = outbound.driven
    ? async (message: string): Promise<unknown> => {
        await undefined;
        return client.publish(channel, message);
      }
    : (message: string): Promise<unknown> =>
        outbound.call(OPERATIONS.publish, readNothing, argument(channel), argument(message));

  return {
    async publish(message) {
      try {
        await send(message);
      } catch (error) {
        onError?.(error);
      }
    },
    subscribe(listener) {
      if (!wired) {
        wired = true;
        inbound.wire(dispatch);
      }
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
