/** What users may say in `nuxt.config` under `nventStoreRedis`, and how it becomes the options of the store. */

import type { NventConnection } from './connection.js';
import type { TrimOptions } from './stream.js';

/** Options of the Nuxt module, as in `@nvent-addon/adapter-store-redis` 0.5.15; `strict` and `debug` are new. */
export interface ModuleOptions {
  /** Default: `nvent.store.connection`, then `nvent.connections.redis`, then `nvent.store.redis`. Never merged. */
  connection?: NventConnection;
  /** Accepted and without effect, as in the original: keys are used as the host passes them. Default `nvent`. */
  prefix?: string;
  /** How event streams are kept. */
  streams?: {
    /** Accepted and without effect. */
    group?: string;
    /** Accepted and without effect. */
    consumer?: string;
    /** Default: roughly the last 10000 events. */
    trim?: TrimOptions;
  };
  /** As the option of `RedisStoreAdapter`: what the original does not do, where its results would differ. Default false. */
  strict?: boolean;
  /** Prints what the original printed. Default false. */
  debug?: boolean;
}

/** The parts of Nitro's runtime configuration that matter here. */
export interface RuntimeConfig {
  nventStoreRedis?: ModuleOptions;
  nvent?: {
    store?: { connection?: NventConnection; redis?: NventConnection; prefix?: string };
    connections?: { redis?: NventConnection };
  };
}

/** What a server starts with: every option has its value. */
export interface StoreSettings {
  /** Undefined: `localhost:6379`. */
  connection: NventConnection | undefined;
  prefix: string;
  streams: { trim: Required<TrimOptions> };
  strict: boolean;
  debug: boolean;
}

/** Settings without a connection, as the module puts them into runtime configuration: only these keys can be overridden. */
export const DEFAULTS: Omit<StoreSettings, 'connection'> = {
  prefix: 'nvent',
  streams: { trim: { maxLen: 10_000, approx: true } },
  strict: false,
  debug: false,
};

/**
 * The options of the store, from the runtime configuration of a server that starts. The first connection that is given
 * wins as a whole.
 */
export function storeOptions({ nventStoreRedis: own = {}, nvent: host = {} }: RuntimeConfig): StoreSettings {
  const trim = own.streams?.trim;
  return {
    connection: own.connection || host.store?.connection || host.connections?.redis || host.store?.redis || undefined,
    prefix: own.prefix ?? host.store?.prefix ?? DEFAULTS.prefix,
    streams: {
      trim: {
        maxLen: trim?.maxLen ?? DEFAULTS.streams.trim.maxLen,
        approx: trim?.approx ?? DEFAULTS.streams.trim.approx,
      },
    },
    strict: own.strict ?? DEFAULTS.strict,
    debug: own.debug ?? DEFAULTS.debug,
  };
}
