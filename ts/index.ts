/** `ferrodis`: connection options, errors, and every drop-in class under its upstream name. */
export { DRIVEN, UnsupportedClientError } from './brought/index.js';
export { RedisStore, type RedisStoreOptions } from './conveyor/index.js';
export * from './errors.js';
export { RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter } from './go-go-scope/index.js';
export { RedisStoreAdapter, type RedisStoreAdapterOptions } from './nvent/native.js';
export type { ConnectionOptions, ServerAddress, TlsOptions } from './options.js';
