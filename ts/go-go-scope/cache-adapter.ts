/** `RedisCacheAdapter`: a cache of JSON values. */
import { type Commands, commandsOf } from './commands.js';
import { lifeInSeconds, parsed, stored } from './json.js';
import type { CacheStats, KeyPrefixOptions, RedisClient } from './types.js';

/**
 * The `CacheProvider` of go-go-scope on Redis. Keys begin with `cache:` unless `keyPrefix` says otherwise. Stands for that
 * of `@go-go-scope/persistence-redis` 2.9.1. Methods reject with the server's `ReplyError`.
 */
export class RedisCacheAdapter {
  readonly redis: RedisClient;
  readonly keyPrefix: string;
  readonly #commands: Commands;

  /** @param redis an ioredis or node-redis client, which stays the caller's */
  constructor(redis: RedisClient, options?: KeyPrefixOptions) {
    this.redis = redis;
    this.keyPrefix = options?.keyPrefix ?? 'cache:';
    this.#commands = commandsOf('RedisCacheAdapter', redis);
  }

  /** The value, or null where there is none that is JSON. */
  async get<T>(key: string): Promise<T | null> {
    return parsed<T>(await this.#commands.get(this.keyPrefix + key)) ?? null;
  }

  /**
   * Stores a value.
   *
   * @param ttl ms, rounded up to whole seconds; for ever when absent or 0
   */
  async set<T>(key: string, value: T, ttl?: number): Promise<void> {
    await this.#commands.set(this.keyPrefix + key, stored(value), lifeInSeconds(ttl));
  }

  async delete(key: string): Promise<void> {
    await this.#commands.delete(this.keyPrefix + key);
  }

  async has(key: string): Promise<boolean> {
    return this.#commands.has(this.keyPrefix + key);
  }

  /** Removes every key that begins with the prefix, page by page. */
  async clear(): Promise<void> {
    await this.#commands.clear(this.keyPrefix);
  }

  /**
   * Keys without the prefix, in no order.
   *
   * @param pattern a glob of Redis; all keys when absent or empty
   */
  async keys(pattern?: string): Promise<string[]> {
    return this.#commands.keys(this.keyPrefix, pattern || undefined);
  }

  /** How many keys there are. Hits and misses are not counted. */
  async stats(): Promise<CacheStats> {
    const { length } = await this.#commands.keys(this.keyPrefix, undefined);
    return { hits: 0, misses: 0, size: length, hitRatio: 0 };
  }
}
