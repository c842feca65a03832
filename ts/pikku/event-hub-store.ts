/** Which channels follow which topics. */

import { together } from './ioredis.js';
import { Link, type RedisConnection } from './link.js';
import { readFirstInt, readList, readNothing } from './replies.js';

/**
 * The `EventHubStore` of pikku on Redis: `P:topic:TOPIC` is the set of a topic's channels, `P:subs:CHANNELID` the set of
 * a channel's topics. Stands for that of `@pikku/redis` 0.12.18.
 */
export class RedisEventHubStore {
  readonly #link: Link;
  readonly #keyPrefix: string;

  /**
   * @param connection a client, or where to connect; an own connection is closed with the store
   * @param keyPrefix default `pikku`
   */
  constructor(connection: RedisConnection, keyPrefix: string = 'pikku') {
    this.#link = new Link('RedisEventHubStore', connection, keyPrefix);
    this.#keyPrefix = keyPrefix;
  }

  /** Waits for an answer of the server. */
  async init(): Promise<void> {
    await this.#link.ping();
  }

  /** The ids of all channels that follow a topic, in any order. */
  async getChannelIdsForTopic(topic: string): Promise<string[]> {
    return this.#link.either(
      'getChannelIdsForTopic',
      () => this.#link.call('getChannelIdsForTopic', readList, topic),
      () => this.#link.client.smembers(this.#topic(topic)),
    );
  }

  /** Lets a channel follow a topic. Always true, also when it did already. */
  async subscribe(topic: string, channelId: string): Promise<boolean> {
    await this.#link.either<unknown>(
      'subscribe',
      () => this.#link.call('subscribe', readNothing, topic, channelId),
      () =>
        together(this.#link.client, (pipeline) => {
          pipeline.sadd(this.#topic(topic), channelId);
          pipeline.sadd(this.#subscriptions(channelId), topic);
        }),
    );
    return true;
  }

  /** Ends that. True when the channel followed the topic. */
  async unsubscribe(topic: string, channelId: string): Promise<boolean> {
    const left = await this.#link.either(
      'unsubscribe',
      () => this.#link.call('unsubscribe', readFirstInt, topic, channelId),
      async () => {
        const [count] = await together(this.#link.client, (pipeline) => {
          pipeline.srem(this.#topic(topic), channelId);
          pipeline.srem(this.#subscriptions(channelId), topic);
        });
        return Number(count);
      },
    );
    return left > 0;
  }

  /** Closes the store's own connection. A client that was given stays open. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  #topic(topic: string): string {
    return `${this.#keyPrefix}:topic:${topic}`;
  }

  #subscriptions(channelId: string): string {
    return `${this.#keyPrefix}:subs:${channelId}`;
  }
}
