/**
 * `ferrodis/conveyor`: the Redis store of conveyor queues. Every export of `@conveyor/store-redis` is here under its own
 * name.
 *
 * @module
 */

export type { HostErrors } from './errors.js';
export {
  createKeys,
  decodeFlowChild,
  DEFAULT_PREFIX,
  encodeFlowChild,
  FLOW_CHILD_SEP,
  GROUP_ACTIVE_SUFFIX,
  GROUP_WAITING_SUFFIX,
  type Keys,
  SCHEMA_VERSION,
} from './keys.js';
export type { StoreInterface } from './interface.js';
export type { RedisStoreOptions } from './options.js';
export { hashToJobData, jobDataToHash, type JobHash } from './record.js';
export { RedisStore } from './store.js';
export type * from './types.js';
