/** What a `RedisStore` can be told. */

import type { ConnectionOptions } from '../options.js';
import type { HostErrors } from './errors.js';
import type { StoreOptions } from './types.js';

/** Options of `RedisStore`. One of `url`, `client` and `connection` is needed to connect. */
export interface RedisStoreOptions extends StoreOptions {
  /** Where the server is. Ignored when there is a `client`; empty counts as absent. */
  url?: string;
  /**
   * An open node-redis or ioredis client. The store makes its own connection to the same server, as the same user and
   * to the same database; it ends when the client ends, and never closes the client.
   */
  client?: object;
  /** First segment of every key and of the channel. Default `conveyor`. */
  keyPrefix?: string;
  /** Further options of the connection: TLS, time limits, or a server without a URL. */
  connection?: ConnectionOptions;
  /**
   * Removes finished jobs at the age that their own `removeOnComplete` or `removeOnFail` gives in milliseconds, whoever
   * finished them: looked at whenever this store promotes delayed jobs, as every worker does once a second. Default
   * false, as in the original, where such an age has no effect.
   */
  expireFinishedJobs?: boolean;
  /** How long `connect()` may wait for the server, in milliseconds. Default: until `disconnect()`. */
  connectTimeout?: number;
  /** The host's error classes, where `@conveyor/shared` cannot be imported from here. */
  errors?: Partial<HostErrors>;
}
