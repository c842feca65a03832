/**
 * `ferrodis/ayepi`: broker, store and cache of ayepi. Every export of `@ayepi/redis` is here under its own name.
 *
 * @module
 */
import { type Ayepi, createAyepi } from './factories.js';
import { host } from './host.js';

const factories: Ayepi = createAyepi(host);

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
