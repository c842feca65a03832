/** The life of a store: new, connecting, connected, over. Once over it stays over. */

import { principalOf } from '../brought/derive.js';
import { Connection, type Listener, operations } from '../client.js';
import { type FerrodisError, TimeoutError } from '../errors.js';
import type { ConnectionOptions } from '../options.js';
import { BroughtClient, targetOf } from './client.js';
import { type HostErrors, lifecycleErrors, loadHostErrors, OWN_ERRORS } from './errors.js';
import type { EventHub } from './events.js';
import type { RedisStoreOptions } from './options.js';
import { readNothing } from './replies.js';
import type { Logger } from './types.js';

const OPERATIONS = operations('conveyor');

/** Everything that a connected store holds open. */
interface Opened {
  connection: Connection;
  listener: Listener;
  brought: BroughtClient | null;
}

/** Opens and closes what a store works on. */
export class Lifecycle {
  /** Null until connected, and again after disconnect. */
  connection: Connection | null = null;
  /** The connect() under way. */
  connecting: Promise<void> | null = null;
  /** Whether disconnect() was called, ever. */
  disconnected = false;
  /** The host's error classes, loaded by the time that a connection is up. */
  hostErrors: HostErrors = OWN_ERRORS;

  private readonly options: RedisStoreOptions;
  private readonly prefix: string;
  private readonly originId: string;
  private readonly logger: Logger;
  private readonly events: EventHub;
  private readonly aborts: Promise<never>;
  private abort: (why: Error) => void = () => undefined;
  private opened: Opened | null = null;
  private ended: Error | null = null;

  constructor(options: RedisStoreOptions, prefix: string, originId: string, logger: Logger, events: EventHub) {
    this.options = options;
    this.prefix = prefix;
    this.originId = originId;
    this.logger = logger;
    this.events = events;
    this.aborts = new Promise((_resolve, reject) => {
      this.abort = reject;
    });
    this.aborts.catch(() => undefined);
  }

  /** The connection to send on. @throws Error when there is none. */
  use(): Connection {
    if (this.connection !== null) return this.connection;
    throw this.ended ?? lifecycleErrors.notConnected();
  }

  /** Loads the host's error classes; those handed in come first. */
  async loadHostErrors(): Promise<HostErrors> {
    this.hostErrors = { ...(await loadHostErrors()), ...this.options.errors };
    return this.hostErrors;
  }

  /** Opens the store; see `RedisStore.connect`. */
  connect(): Promise<void> {
    if (this.disconnected) return Promise.reject(lifecycleErrors.usedUp());
    if (this.connection !== null) return Promise.resolve();
    this.connecting ??= this.open().finally(() => {
      this.connecting = null;
    });
    return this.connecting;
  }

  /** Closes the store for good; see `RedisStore.disconnect`. */
  async disconnect(): Promise<void> {
    const first = !this.disconnected;
    this.disconnected = true;
    this.events.clear();
    if (!first) return;
    this.abort(lifecycleErrors.aborted());
    await this.connecting?.catch(() => undefined);
    const { opened } = this;
    this.connection = null;
    this.opened = null;
    if (opened !== null) await this.shut(opened);
  }

  private async open(): Promise<void> {
    this.ended = null;
    const target = await this.abortable(this.target());
    const { client } = this.options;
    const brought = client ? new BroughtClient(client, this.logger, (why) => this.endWith(why)) : null;
    let connection: Connection | undefined;
    let listener: Listener | undefined;
    let lastFault: FerrodisError | undefined;
    try {
      const principal = client ? principalOf(client, () => lastFault) : undefined;
      connection = Connection.open(target, principal);
      connection.onFault = (fault) => {
        lastFault = fault;
        const which = fault.operation === 'subscribe' ? 'subscriber' : 'client';
        this.logger.warn(`[Conveyor] Redis ${which} error:`, fault);
      };
      listener = this.listen(connection);
      await this.abortable(this.handshake(connection, listener));
    } catch (error) {
      brought?.release();
      await this.close(listener, connection, 0);
      throw error instanceof TimeoutError && lastFault !== undefined ? explained(error, lastFault) : error;
    }
    this.opened = { connection, listener, brought };
    this.connection = connection;
    this.events.attach(listener);
  }

  /** Where to connect to. @throws Error when there is nothing to connect to, or the client cannot be used. */
  private async target(): Promise<ConnectionOptions> {
    const { client, url, connection } = this.options;
    if (client) return targetOf(client);
    if (!url && connection === undefined) throw lifecycleErrors.nothingToConnectTo();
    return url ? { ...connection, url } : { ...connection };
  }

  private listen(connection: Connection): Listener {
    const receive = (payload: string): void => this.events.receive(payload);
    return connection.listen({
      channel: `${this.prefix}:events`,
      filter: { kind: 'conveyor', origin: this.originId },
      onMessage: receive,
      onMalformed: receive,
      onGap: ({ from, to }) => {
        this.logger.warn(
          `[Conveyor] Events published between ${from.toISOString()} and ${to.toISOString()} may have been missed`,
        );
      },
    });
  }

  private async handshake(connection: Connection, listener: Listener): Promise<void> {
    await Promise.all([connection.ready(this.options.connectTimeout), this.loadHostErrors()]);
    await Promise.all([connection.call(OPERATIONS.connect, readNothing, this.prefix), listener.ready]);
  }

  /** The work, unless disconnect() or the end of the brought client comes first. */
  private async abortable<T>(work: Promise<T>): Promise<T> {
    const result = await Promise.race([work, this.aborts]);
    if (this.disconnected) throw lifecycleErrors.aborted();
    if (this.ended !== null) throw this.ended;
    return result;
  }

  /** The brought client has ended: so does everything derived from it. */
  private endWith(why: Error): void {
    this.ended = why;
    const { opened } = this;
    if (opened === null) return;
    this.connection = null;
    this.opened = null;
    void this.shut(opened, 0);
  }

  private async shut(opened: Opened, timeoutMs?: number): Promise<void> {
    this.events.attach(null);
    opened.brought?.release();
    await this.close(opened.listener, opened.connection, timeoutMs);
  }

  private async close(
    listener: Listener | undefined,
    connection: Connection | undefined,
    timeoutMs?: number,
  ): Promise<void> {
    try {
      await listener?.close();
    } catch (error) {
      this.logger.warn('[Conveyor] Error closing Redis subscriber:', error);
    }
    try {
      await connection?.close(timeoutMs === undefined ? {} : { timeoutMs });
    } catch (error) {
      this.logger.warn('[Conveyor] Error closing Redis client:', error);
    }
  }
}

/** A late connection, with what stood in its way last. */
function explained(late: TimeoutError, fault: FerrodisError): TimeoutError {
  const { operation, retryable } = late;
  return new TimeoutError(`${late.message}: ${fault.message}`, { operation, retryable, cause: fault });
}
