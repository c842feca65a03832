/** What every part of the store stands on: options, life cycle, events, and the way a call is made. */

import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';

import { type Arg, type Connection, type Decode, operations } from '../client.js';
import { checkCallback, checkObject, checkString } from './arguments.js';
import { EventHub } from './events.js';
import { createKeys, DEFAULT_PREFIX, type Keys } from './keys.js';
import { Leases } from './leases.js';
import { Lifecycle } from './lifecycle.js';
import type { RedisStoreOptions } from './options.js';
import { jobListReader, readNothing } from './replies.js';
import type { JobData, Logger, StoreEvent, StoreEventCallback } from './types.js';

/** Numbers of the operations, by method name. */
export const OPERATIONS: Readonly<Record<string, number>> = operations('conveyor');

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Life cycle and events of a store. */
export class StoreCore {
  /** The names of this store's keys. */
  readonly keys: Keys;
  /** Marks what this instance publishes and calls. */
  protected readonly instanceId: string = randomUUID();
  protected readonly prefix: string;
  protected readonly logger: Logger;
  protected readonly leases: Leases = new Leases();
  protected readonly events: EventHub;
  protected readonly lifecycle: Lifecycle;
  /** Reads lists of jobs. */
  protected readonly readJobs: Decode<JobData[]>;
  private readonly given: RedisStoreOptions;
  private readonly onUnpublished: (error: unknown) => void;
  private calls = 0;

  /** Opens nothing and never throws. */
  constructor(options: RedisStoreOptions = {}) {
    this.given = options;
    this.prefix = options.keyPrefix ?? DEFAULT_PREFIX;
    this.keys = createKeys(this.prefix);
    this.logger = options.logger ?? SILENT;
    this.events = new EventHub(this.instanceId, this.logger, options.onEventHandlerError);
    this.lifecycle = new Lifecycle(options, this.prefix, this.instanceId, this.logger, this.events);
    this.readJobs = jobListReader((message, ...args) => this.warnLater(message, ...args));
    this.onUnpublished = (error) => this.logger.warn('[Conveyor] An event could not be published:', error);
  }

  /** The options as given. May hold secrets, so neither `inspect` nor JSON shows them. */
  get options(): RedisStoreOptions {
    return this.given;
  }

  /** Whether calls can be made. */
  get connected(): boolean {
    return this.lifecycle.connection !== null;
  }

  /** Whether `disconnect()` was called: the store can then not be used again. */
  get disconnected(): boolean {
    return this.lifecycle.disconnected;
  }

  /** The `connect()` under way, if any. */
  get connectPromise(): Promise<void> | null {
    return this.lifecycle.connecting;
  }

  /** The connection for calls; null unless connected. */
  get client(): Connection | null {
    return this.lifecycle.connection;
  }

  /** The connection for events, managed with that for calls; null unless connected. */
  get subscriber(): Connection | null {
    return this.lifecycle.connection;
  }

  /** Whether the store made its connection from a URL or options rather than from a brought client. */
  get ownsClient(): boolean {
    return !this.given.client;
  }

  /** Callbacks by queue name. */
  get localSubscribers(): ReadonlyMap<string, ReadonlySet<StoreEventCallback>> {
    return this.events.subscribers;
  }

  /**
   * Opens the store. Waits for the server until `connectTimeout`, or until `disconnect()`. A second call while one is
   * under way gets the same promise; after a failure it may be called again.
   *
   * @throws Error without `url`, `client` and `connection`, with a client that is not open, or after `disconnect()`;
   *   FerrodisError when the server refuses us
   */
  connect(): Promise<void> {
    return this.lifecycle.connect();
  }

  /** Closes the store for good: pending calls get their replies first. A brought client stays open. Idempotent. */
  async disconnect(): Promise<void> {
    await this.lifecycle.disconnect();
    this.leases.clear();
  }

  /** Closes the store at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  /** Calls back for every event of a queue, from this process or any other. Works before `connect()` too. */
  subscribe(queueName: string, callback: StoreEventCallback): void {
    checkString('subscribe', 'queueName', queueName);
    checkCallback('subscribe', callback);
    this.events.subscribe(queueName, callback);
  }

  /** Removes a callback of a queue, or all of them. */
  unsubscribe(queueName: string, callback?: StoreEventCallback): void {
    checkString('unsubscribe', 'queueName', queueName);
    this.events.unsubscribe(queueName, callback);
  }

  /**
   * Gives an event to the subscribers in this process, at once, and to those of other processes. Events are fire and
   * forget: that one could not be sent is logged, and rejects nothing.
   *
   * @throws Error when not connected, TypeError when `data` or `timestamp` has no encoding
   */
  publish(event: StoreEvent): Promise<void> {
    try {
      checkObject('publish', 'event', event);
      checkString('publish', 'event.queueName', event.queueName);
      const connection = this.lifecycle.use();
      this.events.dispatch(event);
      return connection
        .call(OPERATIONS.publish as number, readNothing, this.prefix, this.events.encode(event))
        .catch(this.onUnpublished);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What JSON shows of a store: nothing secret. */
  toJSON(): { keyPrefix: string; connected: boolean } {
    return { keyPrefix: this.prefix, connected: this.connected };
  }

  /** Calls an operation whose first argument is the prefix. @throws Error when not connected. */
  protected call<T>(operation: string, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    return this.lifecycle.use().call(OPERATIONS[operation] as number, decode, this.prefix, ...args);
  }

  /** Warns once the replies at hand are read: a logger is foreign code, which may call the store again. */
  protected warnLater(message: string, ...args: unknown[]): void {
    queueMicrotask(() => this.logger.warn(message, ...args));
  }

  /** A number that, with the instance's id, names one call: repeated after a lost reply, it is done once. */
  protected nextCall(): string {
    return String(++this.calls);
  }
}

// What `console.log` shows of a store: nothing secret.
Object.defineProperty(StoreCore.prototype, inspect.custom, {
  value(this: StoreCore): string {
    return `RedisStore ${inspect(this.toJSON())}`;
  },
});
