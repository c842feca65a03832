/**
 * `ferrodis/nvent/native`: the Redis store of nvent as a class, for the module and for use outside Nuxt.
 *
 * @module
 */

export { RedisStoreAdapter, type RedisStoreAdapterOptions } from './adapter.js';
export { connectionOptions, type NventConnection } from './connection.js';
export type { Logger } from './link.js';
export type { TrimOptions } from './stream.js';
export type * from './types.js';
export { createStoreValidator, type UpdateValidator, type UpdateValidatorOptions } from './validator.js';
