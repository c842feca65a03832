/** `require('ferrodis/ayepi')`: the same over the `@ayepi/core` that `require` finds, which is another instance. */
import { type Ayepi, createAyepi, type Host } from './factories.js';

function load(): Host {
  try {
    return { core: require('@ayepi/core') };
  } catch (error) {
    return { missing: error };
  }
}

const factories: Ayepi = createAyepi(load());

export const redisBroker: Ayepi['redisBroker'] = factories.redisBroker;
export const redisPubSub: Ayepi['redisPubSub'] = factories.redisPubSub;
export const redisStore: Ayepi['redisStore'] = factories.redisStore;
export const redisCache: Ayepi['redisCache'] = factories.redisCache;
export type {
  KnownClient,
  RedisBrokerOptions,
  RedisCacheOptions,
  RedisCommandClient,
  RedisLike,
  RedisStoreOptions,
} from './types.js';
