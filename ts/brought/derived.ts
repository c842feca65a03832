/**
 * A client with a native connection that stands in for it: one for each database that it selects, opened with the first
 * call, closed with the client. The client stays the user's and is never closed or written to.
 */
import type { Renewal, RenewalOptions } from '../renewal.js';
import {
  type Advice,
  type Arg,
  type Attempt,
  Connection,
  type Decode,
  type Listener,
  type ListenOptions,
} from '../client.js';
import { AuthError, type FerrodisError } from '../errors.js';
import type { ConnectionOptions } from '../options.js';
import { newOwner } from './advice.js';
import type { Brought } from './brought.js';
import { inWords, isRefusal, spoken, type Words } from './words.js';

/** What is the same for all libraries. */
export abstract class DerivedClient<
  Client extends { on(event: string, listener: () => void): unknown },
> implements Brought {
  readonly driven = false;
  readonly client: Client;
  readonly keyPrefix: string;
  /** The connection of the database that was last called in; undefined before the first call and after the end. */
  protected connection: Connection | undefined;
  /** Which database that is. */
  protected database = 0;
  protected readonly words: Words;
  private readonly canBeDriven: boolean;
  private readonly endEvent: string;
  private readonly owner = newOwner();
  private readonly connections = new Map<number, Connection>();
  private subscriber: Connection | undefined;
  private readonly refused = new Set<string>();
  private lockedOut = false;
  private isWatched = false;

  constructor(client: Client, keyPrefix: string, words: Words, canBeDriven: boolean, endEvent: string = 'end') {
    this.client = client;
    this.keyPrefix = keyPrefix;
    this.words = words;
    this.canBeDriven = canBeDriven;
    this.endEvent = endEvent;
  }

  /** The connection to call on now; an error once the client has ended. */
  protected abstract current(): Connection | Error;

  /** Whether the client has ended, or was never opened. */
  protected abstract hasEnded(): boolean;

  /** The options of this moment. */
  protected abstract derive(): ConnectionOptions;

  /**
   * What the client's own functions and credentials say before an attempt to connect. An error: no more attempts, and
   * pending calls are rejected with it. `cause` is why there is no connection.
   */
  protected abstract advise(attempt: Attempt, cause: Error | undefined): Advice | Error | Promise<Advice | Error>;

  /** Whether subscriptions last longer than their connection. */
  protected abstract resubscribes(): boolean;

  call<T>(operation: number, decode: Decode<T>, ...args: Arg[]): Promise<T> {
    const connection = this.current();
    if (connection instanceof Error) return Promise.reject(connection);
    return connection.call(operation, decode, ...args);
  }

  stage(...args: Arg[]): void {
    const connection = this.current();
    // Without one the call that follows is rejected anyway.
    if (!(connection instanceof Error)) connection.stage(...args);
  }

  listen(options: ListenOptions): Listener {
    if (this.hasEnded()) throw this.closed();
    // One subscriber however often the client selects: channels know no databases.
    this.subscriber ??= this.open(this.derive());
    return this.subscriber.listen(options);
  }

  renew(options: RenewalOptions): Renewal {
    const connection = this.current();
    if (connection instanceof Error) throw connection;
    return connection.renew(options);
  }

  either<T>(method: string, native: () => Promise<T>, driven: () => Promise<T>): Promise<T> {
    if (!this.canBeDriven) return native();
    if (this.lockedOut || this.refused.has(method)) return driven();
    return native().catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      this.refused.add(method);
      return driven();
    });
  }

  /** Makes the connection of a database the one to call on. An error when options were changed to what cannot be carried. */
  protected enter(database: number): Connection | Error {
    let connection = this.connections.get(database);
    if (connection === undefined) {
      try {
        connection = this.open({ ...this.derive(), db: database });
      } catch (error) {
        return error as Error;
      }
      this.connections.set(database, connection);
    }
    this.database = database;
    this.connection = connection;
    return connection;
  }

  /** What calls reject with once the client has ended. */
  protected closed(): Error {
    return spoken(this.words.closed);
  }

  /** Closes a connection at once; the next call opens another. */
  protected drop(connection: Connection, reason: Error): void {
    this.forget(connection);
    void connection.close({ timeoutMs: 0, reason });
  }

  /** Leaves a connection to what is under way on it; the next call opens another. */
  protected leave(connection: Connection): void {
    this.forget(connection);
    void connection.close();
  }

  private forget(connection: Connection): void {
    if (this.connection === connection) this.connection = undefined;
    if (this.subscriber === connection) this.subscriber = undefined;
    for (const [database, open] of this.connections) {
      if (open === connection) this.connections.delete(database);
    }
  }

  private open(options: ConnectionOptions): Connection {
    this.watch();
    let cause: FerrodisError | undefined;
    const connection: Connection = Connection.open(options, {
      owner: this.owner,
      refusal: (error) => inWords(this.words, error),
      advise: async (attempt) => {
        const isOver = attempt.purpose === 'events' && attempt.number > 0 && !this.resubscribes();
        const advice = isOver ? this.closed() : await this.advise(attempt, cause);
        if (!(advice instanceof Error)) return advice;
        this.drop(connection, advice);
        return undefined;
      },
    });
    connection.onFault = (fault) => {
      cause = fault;
      if (!(fault instanceof AuthError)) return;
      // What the client itself is logged in with may be newer than its options: from here on it does the work.
      this.lockedOut = true;
      this.drop(connection, fault);
    };
    return connection;
  }

  /** One listener for the life of the client, however often it ends and connects again. */
  private watch(): void {
    if (this.isWatched) return;
    this.isWatched = true;
    this.client.on(this.endEvent, () => this.end());
  }

  private end(): void {
    const reason = this.closed();
    for (const connection of [...this.connections.values(), this.subscriber]) {
      if (connection !== undefined) this.drop(connection, reason);
    }
    this.lockedOut = false;
  }
}
