/**
 * What the factories take and give. The shapes of the hosts (`@ayepi/core`, `@ayepi/work`, `@ayepi/cache`) are spelt out
 * here, because those packages are optional peers.
 */

/** A value, now or later. */
export type MaybePromise<T> = T | Promise<T>;

/** Carries messages between processes: what `server({ broker })` and `createWork({ pubsub })` take. */
export interface Broker {
  publish(message: string): Promise<void>;
  /** Calls `listener` with every message; returns what ends that. */
  subscribe(listener: (message: string) => void): () => void;
}

/** Keeps texts: what `createWork({ store })` takes. All durations in ms. */
export interface Store {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttl?: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Resolves with whether this call has set it. */
  setIfNotExists(key: string, value: string, ttl?: number): Promise<boolean>;
  /** Resolves with the sum. `ttl` counts from this call on. */
  increment(key: string, by: number, ttl?: number): Promise<number>;
}

/** What the cache knows of an entry besides its content. Instants in epoch ms. */
export interface EntryMeta {
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly storedAt: number;
  readonly expires: number;
  readonly staleUntil: number;
  readonly bytes: number;
}

/** A response in the cache. */
export interface CacheEntry extends EntryMeta {
  readonly body: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
}

/** Keeps responses: what the cache middleware takes. */
export interface CacheStore {
  get(key: string): Promise<CacheEntry | undefined>;
  set(key: string, entry: CacheEntry): Promise<void>;
  /** Resolves with whether there was such an entry. */
  delete(key: string): Promise<boolean>;
  clear(): Promise<void>;
  /** Removes the entries that `pred` picks; resolves with how many it picked. */
  invalidate(pred: (meta: EntryMeta) => boolean): Promise<number>;
}

/** How far a retried call has come. */
export interface RetryState {
  readonly startAt: number;
  readonly attempt: number;
  readonly attempts: number;
  readonly lastAttemptAt: number;
  readonly lastError?: unknown;
}

/** How failed attempts are repeated; see `retry` of `@ayepi/core`. Durations in ms. */
export interface RetryOptions<R = unknown> {
  attempts?: number;
  base?: number;
  factor?: number;
  max?: number;
  jitter?: number;
  errorResult?: R;
  on?: (error: unknown) => MaybePromise<number | false>;
  onSuccess?: (result: R, state: RetryState) => void;
  onRetry?: (error: unknown, state: RetryState) => void;
  onError?: (error: unknown, state: RetryState) => void;
  sleep?: (ms: number) => Promise<void>;
  random?: () => number;
  now?: () => number;
}

/** What a broker needs of a client. */
export interface RedisLike {
  publish(channel: string, message: string): Promise<number> | number;
  subscribe(...channels: string[]): Promise<unknown> | unknown;
  unsubscribe(...channels: string[]): Promise<unknown> | unknown;
  duplicate(): RedisLike;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** What store and cache need of a client. */
export interface RedisCommandClient {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ...args: (string | number)[]): Promise<string | null>;
  del(...keys: string[]): Promise<number>;
  incrby(key: string, increment: number): Promise<number>;
  pexpire(key: string, ms: number): Promise<number>;
  scan(cursor: string | number, ...args: (string | number)[]): Promise<[cursor: string, keys: string[]]>;
}

/** A client of ioredis or node-redis, whatever the types of its version say of its commands. */
export type KnownClient =
  | { readonly status: string; sendCommand(...args: never[]): unknown }
  | { readonly isOpen: boolean; sendCommand(...args: never[]): unknown };

/** Options of `redisBroker` and `redisPubSub`. Read once, when the factory runs. */
export interface RedisBrokerOptions {
  /** The channel, as it is sent. Default `ayepi`. */
  readonly channel?: string;
  /** The client whose connection is listened on. Default: a connection of the broker's own. */
  readonly subscriber?: RedisLike | KnownClient;
  /** Hears of what failed: publishing, subscribing, a listener, either connection. */
  readonly onError?: (error: unknown) => void;
}

/** Options of `redisStore`. `retry` and `onError` are read at each call. */
export interface RedisStoreOptions {
  /** What every key begins with. Default: nothing; for `redisCache` `ayepi:cache:`. */
  readonly prefix?: string;
  /** How failed calls are repeated. Default: that of `@ayepi/core`, three attempts. */
  readonly retry?: Omit<RetryOptions, 'errorResult'>;
  /** Hears the last error of a call that is about to reject. */
  readonly onError?: (err: unknown) => void;
}

/** Options of `redisCache`. */
export interface RedisCacheOptions extends RedisStoreOptions {
  /** The clock, epoch ms. Default `Date.now`. */
  readonly now?: () => number;
}
