/** The four factories, over the `@ayepi/core` of either module system. */
import { UnsupportedError } from '../errors.js';
import { type Attempt, type Core, repeating, repeatingLazily } from './attempts.js';
import { createBroker } from './broker.js';
import { createCache } from './cache.js';
import { type Commands, commandsOf } from './commands.js';
import { createStore } from './store.js';
import type {
  Broker,
  CacheStore,
  KnownClient,
  RedisBrokerOptions,
  RedisCacheOptions,
  RedisCommandClient,
  RedisLike,
  RedisStoreOptions,
  Store,
} from './types.js';

/** What loading `@ayepi/core` came to. */
export type Host = { readonly core: Core } | { readonly missing: unknown };

/** The factories under their own names. */
export interface Ayepi {
  /**
   * Carries messages between processes, as `broker` of an ayepi server. Publishing resolves when Redis has the message,
   * and also when it failed: `onError` hears of that.
   *
   * @param client an ioredis or node-redis client, or an object with its methods. It stays the caller's
   */
  redisBroker(client: RedisLike | KnownClient, opts?: RedisBrokerOptions): Broker;
  /** The same for `createWork({ pubsub })`. */
  redisPubSub(client: RedisLike | KnownClient, opts?: RedisBrokerOptions): Broker;
  /**
   * Keeps the state of `createWork({ store })`. Failed calls are repeated by `retry` of `@ayepi/core`.
   *
   * @throws UnsupportedError without `@ayepi/core`
   */
  redisStore(client: RedisCommandClient | KnownClient, opts?: RedisStoreOptions): Store;
  /**
   * Keeps the responses of the cache middleware. Failed calls are repeated by `retry` of `@ayepi/core`.
   *
   * @throws UnsupportedError without `@ayepi/core`
   */
  redisCache(client: RedisCommandClient | KnownClient, opts?: RedisCacheOptions): CacheStore;
}

interface Prepared {
  readonly commands: Commands;
  readonly attempt: Attempt;
}

/** Makes the factories. */
export function createAyepi(host: Host): Ayepi {
  const prepare = (user: string, client: object, options: RedisStoreOptions, prefix: string): Prepared => {
    const core = coreOf(host, user);
    const { commands, driven } = commandsOf(user, client as RedisCommandClient, options.prefix ?? prefix);
    return { commands, attempt: driven ? repeating(core, options) : repeatingLazily(core, options) };
  };
  return {
    redisBroker: function redisBroker(client, opts = {}) {
      return createBroker('redisBroker', client as RedisLike, opts);
    },
    redisPubSub: function redisPubSub(client, opts = {}) {
      return createBroker('redisPubSub', client as RedisLike, opts);
    },
    redisStore: function redisStore(client, opts = {}) {
      const { commands, attempt } = prepare('redisStore', client, opts, '');
      return createStore(commands, attempt);
    },
    redisCache: function redisCache(client, opts = {}) {
      const { commands, attempt } = prepare('redisCache', client, opts, 'ayepi:cache:');
      return createCache(commands, attempt, opts.now ?? Date.now);
    },
  };
}

function coreOf(host: Host, user: string): Core {
  if ('core' in host) return host.core;
  throw new UnsupportedError(`${user} needs the package @ayepi/core, which could not be loaded: install it`, {
    cause: host.missing,
  });
}
