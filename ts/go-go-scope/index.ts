/**
 * `ferrodis/go-go-scope`: locks, circuits, caches, checkpoints and idempotency keys of go-go-scope. Every export of
 * `@go-go-scope/persistence-redis` is here under its own name.
 *
 * @module
 */
export { RedisAdapter } from './adapter.js';
export { RedisCacheAdapter } from './cache-adapter.js';
export { RedisIdempotencyAdapter } from './idempotency-adapter.js';
export type {
  CacheStats,
  Checkpoint,
  CircuitBreakerPersistedState,
  KeyPrefixOptions,
  LockHandle,
  RedisAdapterOptions,
  RedisClient,
} from './types.js';
