/** The store that nvent's host is given. */
import { inspect } from 'node:util';
import { connectionOptions, type NventConnection } from './connection.js';
import { createKeyValue } from './kv.js';
import { Link, type Logger } from './link.js';
import { createIndex } from './sorted-index.js';
import { createStream, type TrimOptions } from './stream.js';
import type { EventStream, KeyValue, SortedIndex, StoreAdapter } from './types.js';
import { createStoreValidator, type UpdateValidator } from './validator.js';

/** Options of {@link RedisStoreAdapter}. */
export interface RedisStoreAdapterOptions {
  /** Where the server is. Default `localhost:6379`. */
  connection?: NventConnection;
  /** Accepted, and without effect as in the original: keys are those that the caller gives. */
  prefix?: string;
  /** Streams are not trimmed unless `trim.maxLen` is given. */
  streams?: { trim?: TrimOptions };
  /**
   * Turns on what the original does not do, at the price of results that differ from its own: strings of streams and
   * keys come back as they were stored, scores of lists are exact, a stream read without limit reads all, types are
   * counted before the limit, `to` takes its whole millisecond, a negative limit is an error, and `kv.get` and
   * `kv.delete` know the counters of `kv.increment`. Default false.
   */
  strict?: boolean;
  /** Checks the payloads of updates. Default: the rules of nvent's host. */
  validator?: UpdateValidator;
  /** Where to print what the original prints to the console. Default: nowhere. */
  logger?: Logger;
}

/**
 * Keeps events, indexes and values of nvent in Redis. It reads and writes what `@nvent-addon/adapter-store-redis` 0.5.15
 * does, so both can work on one Redis at the same time; see `docs/migrate/nvent.md`. Opens no socket before the first
 * call; all methods reject rather than throw, and may be used detached.
 *
 * @example
 * const store = new RedisStoreAdapter({ connection: { host: 'localhost' } });
 * await store.index.add('nvent:flows', 'order', Date.now(), { stats: { total: 0 } });
 * await store.index.increment('nvent:flows', 'order', 'stats.total');
 */
export class RedisStoreAdapter implements StoreAdapter {
  readonly stream: EventStream;
  readonly kv: KeyValue;
  readonly index: SortedIndex;
  readonly #link: Link;

  constructor(options: RedisStoreAdapterOptions = {}) {
    const { connection, streams, strict = false, logger } = options;
    const target = connectionOptions(connection);
    const { host = 'localhost', port = 6379, db = 0, password } = target;
    logger?.log('[adapter-store-redis] Initializing with connection:', {
      host,
      port,
      hasPassword: password !== undefined,
      db,
    });
    this.#link = new Link(target, logger);
    this.stream = createStream(this.#link, streams?.trim ?? {}, strict);
    this.kv = createKeyValue(this.#link, strict);
    this.index = createIndex(this.#link, options.validator ?? createStoreValidator('RedisStoreAdapter'), strict);
  }

  /** Closes the store for good: pending calls get their replies first. Idempotent, never rejects. */
  close(): Promise<void> {
    return this.#link.close();
  }

  /** Closes the store at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

// What `console.log` shows of a store: nothing secret.
Object.defineProperty(RedisStoreAdapter.prototype, inspect.custom, {
  value(): string {
    return 'RedisStoreAdapter {}';
  },
});
