/**
 * `ferrodis`: connection options, errors, what monitoring may watch, and every drop-in class and function under its upstream name. What belongs to a
 * host that is not installed says so when it is used.
 *
 * @module
 */
export { redisBroker, redisCache, redisPubSub, redisStore } from './ayepi/index.js';
export { DRIVEN, UnsupportedClientError } from './brought/index.js';
export { RedisStore, type RedisStoreOptions } from './conveyor/index.js';
export {
  CHANNELS,
  type ConnectionNotice,
  type ConnectionStats,
  type FaultNotice,
  type LockNotice,
  type OperationTrace,
  type Stats,
} from './diagnostics.js';
export * from './errors.js';
export { RedisAdapter, RedisCacheAdapter, RedisIdempotencyAdapter } from './go-go-scope/index.js';
export { RedisStoreAdapter, type RedisStoreAdapterOptions } from './nvent/native.js';
export type { ConnectionOptions, ServerAddress, TlsOptions } from './options.js';
export {
  RedisAgentRunService,
  RedisChannelStore,
  RedisDeploymentService,
  RedisEventHubStore,
  RedisSecretService,
  RedisSessionStore,
  RedisWorkflowRunService,
  RedisWorkflowService,
} from './pikku/index.js';
export { stats } from './client.js';
