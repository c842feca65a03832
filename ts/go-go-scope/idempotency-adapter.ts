/** `RedisIdempotencyAdapter`: results of tasks by idempotency key. */
import { type Commands, commandsOf } from './commands.js';
import { lifeInSeconds, parsed, stored } from './json.js';
import type { KeyPrefixOptions, RedisClient } from './types.js';

/**
 * The `IdempotencyProvider` of go-go-scope on Redis. Keys begin with `idempotency:` unless `keyPrefix` says otherwise.
 * Stands for that of `@go-go-scope/persistence-redis` 2.9.1. Methods reject with the server's `ReplyError`.
 */
export class RedisIdempotencyAdapter {
  readonly redis: RedisClient;
  readonly keyPrefix: string;
  readonly #commands: Commands;

  /** @param redis an ioredis or node-redis client, which stays the caller's */
  constructor(redis: RedisClient, options?: KeyPrefixOptions) {
    this.redis = redis;
    this.keyPrefix = options?.keyPrefix ?? 'idempotency:';
    this.#commands = commandsOf('RedisIdempotencyAdapter', redis);
  }

  /** The value and when it lapses (epoch ms, undefined for never); null where there is none that is JSON. */
  async get<T>(key: string): Promise<{ value: T; expiresAt?: number } | null> {
    const entry = await this.#commands.getWithTtl(this.keyPrefix + key);
    const value = parsed<T>(entry?.value);
    if (entry === null || value === undefined) return null;
    return { value, expiresAt: entry.ttl > 0 ? Date.now() + entry.ttl : undefined } as { value: T; expiresAt?: number };
  }

  /**
   * Stores a value, whatever was there.
   *
   * @param ttl ms, rounded up to whole seconds; for ever when absent or 0
   */
  async set<T>(key: string, value: T, ttl?: number): Promise<void> {
    await this.#commands.set(this.keyPrefix + key, stored(value), lifeInSeconds(ttl));
  }

  async delete(key: string): Promise<void> {
    await this.#commands.delete(this.keyPrefix + key);
  }
}
